package adapters

import "graft/internal/model"

// updater computes rows of W + s·B·A.
type updater struct {
	a, b      []float32
	r, in     int
	embedding bool
	scale     float64
	out       []float64
}

func newUpdater(p *Part) *updater {
	return &updater{
		a: p.A.Float32(), b: p.B.Float32(), r: p.A.Shape[0], in: p.Linear.W.Cols,
		embedding: p.Module.Embedding, scale: p.Module.Scale(), out: make([]float64, p.Linear.W.Cols),
	}
}

// row adds the update to w [In], row i of the projection. The result is valid
// until the next call.
func (u *updater) row(w []float32, i int) []float64 {
	clear(u.out)
	for k := range u.r {
		if u.embedding { // ΔW[i, j] = s·Σ A[k, i]·B[j, k]
			a := float64(u.a[k*(len(u.a)/u.r)+i])
			for j := range u.out {
				u.out[j] += a * float64(u.b[j*u.r+k])
			}
			continue
		}
		b, a := float64(u.b[i*u.r+k]), u.a[k*u.in:(k+1)*u.in] // ΔW[i, j] = s·Σ B[i, k]·A[k, j]
		for j := range u.out {
			u.out[j] += b * float64(a[j])
		}
	}
	for j, v := range u.out {
		u.out[j] = float64(w[j]) + u.scale*v
	}
	return u.out
}

// Merge is the weight [Out, In] and the bias of a projection with the adapter in
// it, as float32: W' = deq(W) + s·B·A, rows stretched in DoRA. Both are nil when
// the adapter leaves the projection alone; the bias is nil when only it is.
func (b *Bound) Merge(l *model.Linear) (w, bias []float32) {
	for _, r := range b.Whole {
		if r.Linear != l {
			continue
		}
		if r.B.Shape != nil {
			bias = r.B.Float32()
		} else {
			w = r.W.Float32()
		}
	}
	for i := range b.Parts {
		if p := &b.Parts[i]; p.Linear == l {
			w = p.merged()
		}
	}
	return w, bias
}

// merged is W' [Out, In].
func (p *Part) merged() []float32 {
	n, in := p.Linear.W.Rows, p.Linear.W.Cols
	out := make([]float32, n*in)
	u := newUpdater(p)
	for i := range n {
		w := out[i*in : (i+1)*in]
		p.Linear.W.Row(w, i)
		stretch := 1.0
		if p.Stretch != nil {
			stretch = float64(p.Stretch[i])
		}
		for j, v := range u.row(w, i) {
			w[j] = float32(stretch * v)
		}
	}
	return out
}
