package adapters

import "graft/internal/kernel"

// Memory is what the adapter holds once it is compiled, in bytes: A and B in 16
// bits, A once for each part of a fused module.
func (b *Bound) Memory() int64 {
	n := int64(0)
	for _, p := range b.Parts {
		n += 2*int64(p.A.Len()) + kernel.UpBytes(kernel.F16, p.B.Shape[0], p.B.Shape[1]) + 4*int64(len(p.Stretch))
	}
	for _, r := range b.Whole {
		if r.B.Shape != nil {
			n += 4 * int64(r.B.Len())
		}
		n += int64(len(r.W.Data))
	}
	return n
}
