package training

import (
	"math"

	"graft/internal/kernel"
	"graft/internal/model"
)

// measure takes the lengths of the rows of W, which m begins with.
func (m *Module) measure(of *model.Model) {
	m.M = newParam(m.Path+".lora_magnitude_vector", m.Out, 0)
	m.lengths, m.stretch = make([]float64, m.Out), make([]float32, m.Out)
	row := make([]float32, m.In)
	for _, l := range of.Linears {
		if l.Module != m.Path {
			continue
		}
		for i := range l.W.Rows {
			l.W.Row(row, i)
			sum := 0.0
			for _, v := range row {
				sum += float64(v) * float64(v)
			}
			m.lengths[l.Start+i] = sum
			m.M.Data[l.Start+i] = float32(math.Sqrt(sum))
		}
	}
}

// stretches works out m/‖W + s B A‖ for all modules with DoRA. With P = W Aᵀ and
// Q = A Aᵀ, a row has the length
//
//	‖W_o + s B_o A‖² = ‖W_o‖² + 2 s Σ_r B_or P_or + s² B_o Q B_oᵀ
func (t *Tape) stretches(of *model.Model) {
	if t.adapter == nil {
		return
	}
	for i, l := range of.Linears {
		m := t.adapter.byLinear[i]
		if m == nil || m.M == nil {
			continue
		}
		at, r, out := t.work.at, m.Rank, l.W.Rows
		p, q := t.work.take(r*out), t.work.take(r*r)
		t.gemm.MulT(t.pool, p, m.A.Data, r, l.W, false) // Pᵀ
		a := kernel.RowMajor(m.A.Data, m.In)
		t.gemm.Product(t.pool, q, a, a.T(), r, r, m.In, false)
		for o := range out {
			b := m.B.Data[(l.Start+o)*r : (l.Start+o+1)*r]
			cross, square := 0.0, 0.0
			for j, v := range b {
				cross += float64(v) * float64(p[j*out+o])
				for k, w := range b {
					square += float64(v) * float64(w) * float64(q[j*r+k])
				}
			}
			s := float64(m.Scale)
			length := math.Sqrt(max(0, m.lengths[l.Start+o]+2*s*cross+s*s*square))
			m.stretch[l.Start+o] = m.M.Data[l.Start+o] / float32(length) // 1 while B is 0
		}
		t.work.release(at)
	}
}

// stretchBack is the step of projectBack before all others: with z = W x + s B A x,
// y = stretch z + b and stretch = m/length,
//
//	gm += Σ_rows gy z/length = Σ_rows gy (y-b)/m    gz = stretch gy
func (t *Tape) stretchBack(m *Module, w *model.Linear, gy, y []float32) (gz []float32) {
	part := func(x []float32) []float32 { return x[w.Start : w.Start+w.W.Rows] }
	kernel.MulColumns(t.pool, part(m.M.Grad), gy, y, w.B, part(m.M.Data))
	gz = t.work.take(len(gy))
	kernel.MulRows(t.pool, gz, gy, part(m.stretch))
	return gz
}
