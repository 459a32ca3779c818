package kernel

import "math"

// wordBlock is 32 activations of 16 bits for integer products: x ≈ d*q. Of every
// four columns the codes stand in the order 0, 2, 1, 3, in which kernels split
// four bytes of weights.
type wordBlock struct {
	q   [32]int16
	d   float32 // a power of two: the least with which no code passes 32767
	s   float32 // d times the sum of q
	n   int32   // the sum of q, negated
	n16 int32   // the same of the first 16
}

// wordOrder is the place of a column among its four.
var wordOrder = [4]int{0, 2, 1, 3}

// wordBlocksGeneric rounds to nearest even. d is a power of two, so that x, d*q and sums of
// few such are exact, and tiles can multiply d*q itself: see pairTile. It costs up to one
// of the 16 bits. A block with an infinity, a NaN or a number from wordMost on gets a NaN as its
// d, so that it shows in every product; one of numbers below wordLeast becomes zero. In
// between neither d nor what it is multiplied with is a number too small to be normal.
func wordBlocksGeneric(dst []wordBlock, x []float32) {
	for i := range dst {
		wordsOf(&dst[i], x[32*i:32*i+32])
	}
}

// Bits of 2^100 and of 2^-80, the magnitudes from which on blocks are not numbers, and
// are not zero.
const (
	wordMost  = (127 + 100) << 23
	wordLeast = (127 - 80) << 23
)

func wordsOf(b *wordBlock, x []float32) {
	top := topBits(x)
	*b = wordBlock{}
	switch {
	case top >= wordMost:
		b.d, b.s = float32(math.NaN()), float32(math.NaN())
		return
	case top < wordLeast:
		return
	}
	// What would be rounded to 2^15 steps counts as the next power of two.
	exponent := (top + 1<<8) &^ (1<<23 - 1)
	b.d = math.Float32frombits(exponent - 14<<23)
	inv := math.Float32frombits((127+14+127)<<23 - exponent)
	for i, v := range x {
		q := int16(math.RoundToEven(float64(v * inv)))
		b.q[i&^3+wordOrder[i&3]] = q
		b.n -= int32(q)
		if i < 16 {
			b.n16 -= int32(q)
		}
	}
	b.s = b.d * float32(-b.n)
}

// genericWords is the portable tile kernel for activations of 16 bits.
func (t *tile) genericWords(p *packing) {
	for i := range t.tokens {
		out := (*[groupRows]float32)(t.out[i*t.outStride:])
		if !t.more {
			*out = [groupRows]float32{}
		}
		for b := range t.blocks {
			x := &t.words[i*t.stride+b]
			q := t.q[b*32*groupRows:]
			var dot [groupRows]int32
			if p.step == 16 {
				s := (*[2 * groupRows]float32)(t.scale[b*2*groupRows:])
				dotPanelWords(&dot, q, x.q[:16], x.n16<<t.shift)
				for r := range out {
					out[r] = fma32(float32(dot[r]), s[r]*x.d, out[r])
				}
				dotPanelWords(&dot, q[16*groupRows:], x.q[16:], (x.n-x.n16)<<t.shift)
				for r := range out {
					out[r] = fma32(float32(dot[r]), s[groupRows+r]*x.d, out[r])
				}
				continue
			}
			s := (*[groupRows]float32)(t.scale[b*groupRows:])
			dotPanelWords(&dot, q, x.q[:], x.n<<t.shift)
			for r := range out {
				out[r] = fma32(float32(dot[r]), s[r]*x.d, out[r])
			}
			if p.mins {
				m := (*[groupRows]float32)(t.mins[b*groupRows:])
				for r := range out {
					out[r] = fma32(m[r], x.s, out[r])
				}
			}
		}
	}
}

// dotPanelWords is dot[r] = from + Σ q[r]*x over the columns of x. It stays below
// 32 bits: 32*255*32767 is 2^28.
func dotPanelWords(dot *[groupRows]int32, q []uint8, x []int16, from int32) {
	for r := range dot {
		dot[r] = from
	}
	for j := 0; j < len(x); j += 4 {
		x0, x2, x1, x3 := int32(x[j]), int32(x[j+1]), int32(x[j+2]), int32(x[j+3])
		quad := (*[4 * groupRows]uint8)(q[j*groupRows:])
		for r := range dot {
			dot[r] += int32(quad[4*r])*x0 + int32(quad[4*r+1])*x1 + int32(quad[4*r+2])*x2 + int32(quad[4*r+3])*x3
		}
	}
}
