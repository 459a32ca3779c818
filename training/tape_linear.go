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

// projection is one of the products with weights that have the same input.
type projection struct {
	w    *model.Linear
	m    *Module   // nil: not adapted
	y    []float32 // [rows, w.W.Rows] the result; in the backward pass the gradient by it
	u    []float32 // [rows, Rank] s A drop(x); nil: not there yet
	node int       // of the tape
}

// project is y = x Wᵀ + b of each, and with a module + s B A drop(x). What it computes of u
// stays for the backward pass, if there will be one. fill writes rows of x; nil: they are there.
func (t *Tape) project(all []projection, x []float32, rows int, drop float32, fill func(row, rows int)) {
	at := t.work.at
	left := t.left(kernel.RowMajor(x, all[0].w.W.Cols), rows, all[0].w.W.Cols)
	left.Fill = fill
	t.squeeze(all, left, x, drop)
	sums := make([]kernel.Sum, 0, len(all))
	var lefts []*kernel.Left
	for i := range all {
		p := &all[i]
		s := kernel.Sum{Y: p.y, N: p.w.W.Rows, Terms: []kernel.Term{{A: left, B: kernel.Transposed(p.w.W)}}}
		if p.m != nil {
			u := t.left(kernel.RowMajor(p.u, p.m.Rank), rows, p.m.Rank)
			lefts = append(lefts, u)
			s.Terms = append(s.Terms, kernel.Term{A: u, B: kernel.Of(p.b().T())})
		}
		sums = append(sums, s)
	}
	t.gemm.Lay(t.pool, lefts...)
	t.gemm.Sums(t.pool, sums...)
	t.work.release(at)
	for _, p := range all {
		if p.m != nil && p.m.M != nil {
			kernel.MulRows(t.pool, p.y, p.y, p.m.stretch[p.w.Start:p.w.Start+p.w.W.Rows])
		}
		if p.w.B != nil {
			kernel.Add(t.pool, p.y, p.y, p.w.B)
		}
	}
}

// b is the part of B that belongs to the projection.
func (p *projection) b() kernel.View { return kernel.RowMajor(p.m.rowsOf(p.m.B.Data, p.w), p.m.Rank) }

// left is x [rows, k] as the left side of products, in memory of work; it is to be laid out.
func (t *Tape) left(x kernel.View, rows, k int) *kernel.Left {
	return t.gemm.Left(t.work.take(t.gemm.LeftLen(rows, k)), x, rows, k)
}

// squeeze lays left out, which is x, and computes u = s A drop(x) where it is missing. The
// parts of a module follow each other.
func (t *Tape) squeeze(all []projection, left *kernel.Left, x []float32, drop float32) {
	var sums []kernel.Sum
	var scales []float32
	lefts := []*kernel.Left{left}
	for i := range all {
		p := &all[i]
		switch {
		case p.m == nil || p.u != nil:
		case i > 0 && all[i-1].m == p.m:
			p.u = all[i-1].u
		default:
			n := len(x) / p.m.In * p.m.Rank
			if t.record {
				p.u = t.keep.take(n)
			} else {
				p.u = t.work.take(n)
			}
			from := left
			if drop != 0 {
				from = t.left(kernel.RowMajor(t.dropped(p.m, x, drop), p.m.In), len(x)/p.m.In, p.m.In)
				lefts = append(lefts, from)
			}
			sums = append(sums, kernel.Sum{Y: p.u, N: p.m.Rank, Terms: []kernel.Term{{A: from, B: kernel.Of(kernel.RowMajor(p.m.A.Data, p.m.In).T())}}})
			scales = append(scales, p.m.Scale)
		}
	}
	t.gemm.Lay(t.pool, lefts...)
	t.gemm.Sums(t.pool, sums...)
	for i, s := range sums {
		kernel.Scale(t.pool, s.Y, s.Y, scales[i], 0)
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

// projectBack adds the gradients of y = project(x), given those by each y: to those of the
// modules, and to gx unless it is nil. With u = s A z, z the input of A,
//
//	gB += gyᵀ u    gu = s gy B    gA += guᵀ z    gx += gy W + drop(gu A)
//
// fresh says that gx holds nothing yet. ys are the results, for DoRA alone. fill writes rows
// of both y, of two projections without DoRA; nil: they are there.
func (t *Tape) projectBack(gx []float32, all []projection, x []float32, ys [][]float32, rows int, drop float32, fresh bool, fill func(row, rows int)) {
	at := t.work.at
	lefts := make([]*kernel.Left, len(all), 2*len(all))
	us := make([]*kernel.Left, len(all)) // uᵀ
	for i := range all {
		p := &all[i]
		if p.m != nil && p.m.M != nil {
			p.y = t.stretchBack(p.m, p.w, p.y, ys[i])
		}
		lefts[i] = t.left(kernel.RowMajor(p.y, p.w.W.Rows), rows, p.w.W.Rows)
		if p.m != nil {
			us[i] = t.left(kernel.RowMajor(p.u, p.m.Rank).T(), p.m.Rank, rows)
			lefts = append(lefts, us[i])
		}
	}
	gys, todo := lefts[:len(all)], lefts
	if fill != nil {
		gys[1].Fill, gys[1].Next, todo = fill, gys[0], lefts[1:]
	}
	t.gemm.Lay(t.pool, todo...)
	updates := t.squeezeBack(all, gys, rows)
	var sums []kernel.Sum
	lefts = lefts[len(lefts):]
	if gx != nil {
		sum := kernel.Sum{Y: gx, N: all[0].w.W.Cols, Addition: !fresh}
		for i, p := range all {
			sum.Terms = append(sum.Terms, kernel.Term{A: gys[i], B: kernel.Across(p.w.W)})
		}
		for _, u := range updates {
			if drop == 0 {
				gu := t.left(u.gu, rows, u.m.Rank)
				lefts = append(lefts, gu)
				sum.Terms = append(sum.Terms, kernel.Term{A: gu, B: kernel.Of(u.a())})
			}
		}
		sums = append(sums, sum)
	}
	for _, u := range updates {
		z, gu := kernel.Of(kernel.RowMajor(t.dropped(u.m, x, drop), u.m.In)), t.left(u.gu.T(), u.m.Rank, rows)
		lefts = append(lefts, gu)
		sums = append(sums, kernel.Sum{Y: u.m.A.Grad, N: u.m.In, Addition: true, Terms: []kernel.Term{{A: gu, B: z}}})
	}
	grads := len(sums) // those of B follow, transposed
	for i, p := range all {
		if p.m != nil {
			gy := kernel.RowMajor(p.y, p.w.W.Rows)
			sums = append(sums, kernel.Sum{Y: t.work.take(p.m.Rank * p.w.W.Rows), N: p.w.W.Rows, Terms: []kernel.Term{{A: us[i], B: kernel.Of(gy)}}})
		}
	}
	t.gemm.Lay(t.pool, lefts...)
	t.gemm.Sums(t.pool, sums...)
	for _, p := range all {
		if p.m != nil {
			kernel.AddTransposed(t.pool, p.m.rowsOf(p.m.B.Grad, p.w), sums[grads].Y, p.m.Rank)
			grads++
		}
	}
	if gx != nil && drop != 0 {
		for _, u := range updates {
			z := t.work.take(len(x))
			t.gemm.Product(t.pool, z, u.gu, u.a(), rows, u.m.In, u.m.Rank, false)
			kernel.Dropout(t.pool, gx, z, t.mask(u.m), drop, true)
		}
	}
	t.work.release(at)
}

// update is a module with the gradient by its u.
type update struct {
	m  *Module
	gu kernel.View // [rows, Rank]
}

func (u *update) a() kernel.View { return kernel.RowMajor(u.m.A.Data, u.m.In) }

// squeezeBack is gu = s gy B of each module, the sum over its parts.
func (t *Tape) squeezeBack(all []projection, lefts []*kernel.Left, rows int) (updates []update) {
	var sums []kernel.Sum
	for i := range all {
		p := &all[i]
		if p.m == nil {
			continue
		}
		if i == 0 || all[i-1].m != p.m {
			sums = append(sums, kernel.Sum{Y: t.work.take(rows * p.m.Rank), N: p.m.Rank})
			updates = append(updates, update{p.m, kernel.RowMajor(sums[len(sums)-1].Y, p.m.Rank)})
		}
		s := &sums[len(sums)-1]
		s.Terms = append(s.Terms, kernel.Term{A: lefts[i], B: kernel.Of(p.b())})
	}
	t.gemm.Sums(t.pool, sums...)
	for i, s := range sums {
		kernel.Scale(t.pool, s.Y, s.Y, updates[i].m.Scale, 0)
	}
	return updates
}
