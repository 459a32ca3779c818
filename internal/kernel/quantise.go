package kernel

import "math"

// actBlock is 32 activations quantised for integer products: x ≈ d*q.
type actBlock struct {
	q   [32]int8
	d   float32 // largest magnitude / 127
	s   float32 // d times the sum of q
	n   int32   // the sum of q, negated
	n16 int32   // the same of the first 16
}

// quantiseGeneric rounds to nearest even, symmetrically: d is the largest
// magnitude over 127, q = x*(127/largest). A block with an infinity or a NaN gets
// the same as its d, so that it shows in every product; one so small that
// 127/largest overflows becomes zero.
func quantiseGeneric(dst []actBlock, x []float32) {
	for i := range dst {
		quantiseBlock(&dst[i], x[32*i:32*i+32])
	}
}

// topBits are the bits of the largest magnitude: a NaN beats an infinity beats a number.
func topBits(x []float32) (top uint32) {
	for _, v := range x {
		top = max(top, math.Float32bits(v)&0x7fffffff)
	}
	return top
}

func quantiseBlock(b *actBlock, x []float32) {
	top := topBits(x)
	*b = actBlock{}
	largest := math.Float32frombits(top)
	switch {
	case top >= 0x7f800000:
		b.d = largest
		b.s = float32(math.NaN())
		return
	case largest < 0x1p-120:
		return
	}
	b.d = largest / 127
	inv := 127 / largest
	for i, v := range x {
		q := int8(math.RoundToEven(float64(v * inv)))
		b.q[i] = q
		b.n -= int32(q)
		if i < 16 {
			b.n16 -= int32(q)
		}
	}
	b.s = b.d * float32(-b.n)
}
