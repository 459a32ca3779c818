package training

import (
	"graft/internal/kernel"
	"graft/internal/model"
)

// module is the update of a projection; nil: none.
func (t *Tape) module(w *model.Linear) *Module {
	if t.adapter == nil {
		return nil
	}
	return t.adapter.byLinear[w.Index]
}

// rowsOf is the part of B that belongs to a projection, which may be part of a module.
func (m *Module) rowsOf(x []float32, w *model.Linear) []float32 {
	return x[w.Start*m.Rank : (w.Start+w.W.Rows)*m.Rank]
}

// project is y = x Wᵀ + b, and with a module + s B A drop(x).
func (t *Tape) project(y, x []float32, rows int, w *model.Linear, drop float32) {
	t.gemm.MulT(t.pool, y, x, rows, w.W, false)
	if m := t.module(w); m != nil {
		at := t.work.at
		u := t.squeeze(m, t.dropped(m, x, drop), rows)
		t.gemm.Product(t.pool, y, kernel.RowMajor(u, m.Rank), kernel.RowMajor(m.rowsOf(m.B.Data, w), m.Rank).T(), rows, w.W.Rows, m.Rank, true)
		t.work.release(at)
		if m.M != nil {
			kernel.MulRows(t.pool, y, y, m.stretch[w.Start:w.Start+w.W.Rows])
		}
	}
	if w.B != nil {
		kernel.Add(t.pool, y, y, w.B)
	}
}

// dropped is the input of A: x, or what dropout leaves of it. The parts of a module
// have the same mask.
func (t *Tape) dropped(m *Module, x []float32, drop float32) []float32 {
	if drop == 0 {
		return x
	}
	z := t.work.take(len(x))
	kernel.Dropout(t.pool, z, x, t.mask(m), drop, false)
	return z
}

// mask is the key of the mask of a module in this pass.
func (t *Tape) mask(m *Module) uint64 {
	return kernel.Mix(m.key ^ kernel.Mix(t.step^kernel.Mix(t.part)))
}

// squeeze is u = s A x: [rows, Rank].
func (t *Tape) squeeze(m *Module, x []float32, rows int) []float32 {
	u := t.work.take(rows * m.Rank)
	t.gemm.Product(t.pool, u, kernel.RowMajor(x, m.In), kernel.RowMajor(m.A.Data, m.In).T(), rows, m.Rank, m.In, false)
	kernel.Scale(t.pool, u, u, m.Scale, 0)
	return u
}

// projectBack adds the gradients of y = project(x), given that by it: to those of the
// module, and to gx unless it is nil. With u = s A z, z the input of A,
//
//	gB += gyᵀ u    gu = s gy B    gA += guᵀ z    gx += gy W + drop(gu A)
//
// fresh says that gx holds nothing yet. y itself is for DoRA alone.
func (t *Tape) projectBack(gx, gy, x, y []float32, rows int, w *model.Linear, drop float32, fresh bool) {
	m, at, out := t.module(w), t.work.at, w.W.Rows
	if m != nil && m.M != nil {
		gy = t.stretchBack(m, w, gy, y)
	}
	if gx != nil {
		t.gemm.Mul(t.pool, gx, gy, rows, w.W, !fresh)
	}
	if m == nil {
		return
	}
	z := t.dropped(m, x, drop)
	u := t.squeeze(m, z, rows)
	g := kernel.RowMajor(gy, out)
	t.gemm.Product(t.pool, m.rowsOf(m.B.Grad, w), g.T(), kernel.RowMajor(u, m.Rank), out, m.Rank, rows, true)
	gu := u // u is not needed any more
	t.gemm.Product(t.pool, gu, g, kernel.RowMajor(m.rowsOf(m.B.Data, w), m.Rank), rows, m.Rank, out, false)
	kernel.Scale(t.pool, gu, gu, m.Scale, 0)
	t.gemm.Product(t.pool, m.A.Grad, kernel.RowMajor(gu, m.Rank).T(), kernel.RowMajor(z, m.In), m.Rank, m.In, rows, true)
	if gx != nil {
		a := kernel.RowMajor(m.A.Data, m.In)
		if drop == 0 {
			t.gemm.Product(t.pool, gx, kernel.RowMajor(gu, m.Rank), a, rows, m.In, m.Rank, true)
		} else {
			t.gemm.Product(t.pool, z, kernel.RowMajor(gu, m.Rank), a, rows, m.In, m.Rank, false)
			kernel.Dropout(t.pool, gx, z, t.mask(m), drop, true)
		}
	}
	t.work.release(at)
}
