package kernel

// Bytes is the memory that g keeps, but for what does not grow with the products.
func (g *Gemm) Bytes() int64 {
	n := 4 * cap(g.left)
	for i := range g.scratch {
		s := &g.scratch[i]
		n += 4*(cap(s.panel)+cap(s.pairs)+cap(s.sums)+cap(s.near)+cap(s.tall)+cap(s.f)) + cap(s.q)
	}
	return int64(n)
}
