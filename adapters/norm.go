package adapters

import "math"

// measure fills the report and the stretches of DoRA.
func (k *checker) measure() {
	a, r := k.out.Adapter, &k.out.Report
	r.Generation, r.Base, r.Rank, r.Bytes = a.Generation, a.Config.Base, a.Rank(), a.Bytes()
	r.Replaced = len(a.Replaced)
	var allDelta, allW float64
	for i := 0; i < len(k.out.Parts); {
		m := k.out.Parts[i].Module
		var delta, w float64
		for ; i < len(k.out.Parts) && k.out.Parts[i].Module == m; i++ {
			p := &k.out.Parts[i]
			if m.DoRA() {
				p.stretch()
				delta += p.change2()
			} else {
				delta += p.norm2()
			}
			w += k.norm2(p.Linear)
		}
		if !isFinite(delta) {
			k.fail("module %s: its update is not finite", m.Path)
		}
		allDelta, allW = allDelta+delta, allW+w
		r.Modules = append(r.Modules, ModuleNorm{m.Path, m.Rank(), m.Scale(), ratio(delta, w)})
	}
	r.Applied, r.Norm = len(r.Modules), ratio(allDelta, allW)
}

// ratio of two norms, given their squares.
func ratio(delta, w float64) float64 {
	if delta == 0 {
		return 0
	}
	return math.Sqrt(delta / w)
}

// norm2 is ‖s·B·A‖² = s²·tr(AᵀBᵀBA) = s²·Σ (BᵀB)∘(AAᵀ), without forming B·A.
func (p *Part) norm2() float64 {
	r := p.A.Shape[0]
	aa, bb := gramRows(p.A), gramCols(p.B) // [R, R]
	sum := 0.0
	for i := range r * r {
		sum += aa[i] * bb[i]
	}
	s := p.Module.Scale()
	return math.Max(0, sum) * s * s // rounding may leave less than nothing
}

// gramRows is A·Aᵀ [R, R] of A [R, In].
func gramRows(t Tensor) []float64 {
	r, n := t.Shape[0], t.Shape[1]
	v := t.Float32()
	g := make([]float64, r*r)
	for i := range r {
		for j := range i + 1 {
			sum := 0.0
			for c := range n {
				sum += float64(v[i*n+c]) * float64(v[j*n+c])
			}
			g[i*r+j], g[j*r+i] = sum, sum
		}
	}
	return g
}

// gramCols is Bᵀ·B [R, R] of B [Out, R].
func gramCols(t Tensor) []float64 {
	n, r := t.Shape[0], t.Shape[1]
	v := t.Float32()
	g := make([]float64, r*r)
	for o := range n {
		row := v[o*r : (o+1)*r]
		for i := range r {
			for j := range i + 1 {
				g[i*r+j] += float64(row[i]) * float64(row[j])
			}
		}
	}
	for i := range r {
		for j := range i {
			g[j*r+i] = g[i*r+j]
		}
	}
	return g
}
