package adapters

// Memory is what the adapter holds once it is compiled, in bytes: A and B in 16
// bits, A once for each part of a fused module.
func (b *Bound) Memory() int64 {
	n := 0
	for _, p := range b.Parts {
		n += 2*p.A.Len() + 2*p.B.Len() + 4*len(p.Stretch)
	}
	for _, r := range b.Whole {
		if r.B.Shape != nil {
			n += 4 * r.B.Len()
		}
		n += len(r.W.Data)
	}
	return int64(n)
}
