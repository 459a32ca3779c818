package kernel

import (
	"math"
	"unsafe"
)

// Products of integers, for processors that multiply pairs of 16 bits and not of bfloat16, and
// have no tiles. Numbers that meet in a sum, gemmDepth of a row or a column, count as whole
// multiples of a scale that they share:
//
//	x ≈ s n,  s = max |x| / wholeMost,  n = x wholeMost/max |x|, to even
//
// Sums of gemmDepth products n m are exact, as they stay below 2^31, and
//
//	c = Σ over blocks of gemmDepth k of (Σ_k n_k m_k) (s t)
//
// the blocks added in their order. That depends on neither workers nor neighbouring rows.
//
// A number is off by 2^-12.5 of the largest of its block at most, and all together by 10^-4 of
// it in the mean square, where bfloat16 rounds each by up to 2^-9 of itself: less than that as
// long as the largest is not more than ten times the root mean square (of 256, sixteen times at
// most).
//
// They lie like pairs of bfloat16 numbers, with the scales of a block after its last pairs. What
// is not finite makes NaN of the whole row's or column's block.
const wholeMost = 2895 // 256 * 2895² < 2^31

// wholeScale is the scale of numbers whose largest magnitude has these bits, and what they are multiplied with.
func wholeScale(most uint32) (scale, inverse float32) {
	const least, infinite = 27 << 23, 255 << 23 // 2^-100
	switch {
	case most < least:
		return 0, 0
	case most >= infinite:
		return float32(math.NaN()), 0
	}
	m := math.Float32frombits(most)
	return m / wholeMost, wholeMost / m
}

// whole is x as an integer.
func whole(x, inverse float32) uint32 {
	n := math.RoundToEven(float64(float32(x * inverse)))
	if n != n {
		return 0 // anything would do, as the scale is NaN
	}
	return uint32(uint16(int16(n)))
}

func wholesAlongGeneric(dst, src []float32) (scale float32) {
	scale, inverse := wholeScale(topBits(src))
	for i := range len(src) / 2 {
		dst[i] = math.Float32frombits(whole(src[2*i], inverse) | whole(src[2*i+1], inverse)<<16)
	}
	return scale
}

func wholesDownGeneric(dst, scales, src []float32, row, n int) {
	for j := range gemmCols {
		most := uint32(0)
		for i := range 2 * n {
			most = max(most, math.Float32bits(src[i*row+j])&^(1<<31))
		}
		scale, inverse := wholeScale(most)
		scales[j] = scale
		for i := range n {
			dst[i*gemmCols+j] = math.Float32frombits(whole(src[2*i*row+j], inverse) | whole(src[(2*i+1)*row+j], inverse)<<16)
		}
	}
}

// wholes is the tile of integers in portable Go, and the definition of the others.
func (t *gemmTile) wholes(width int) {
	for i := range gemmRows {
		c := unsafe.Slice(ahead(t.c, i*t.cRow), width)
		for j := range c {
			sum := int32(0)
			for d := range t.k {
				a := math.Float32bits(*ahead(t.a, i*t.aRow+d*t.aCol))
				b := math.Float32bits(*ahead(t.b, d*t.bRow+j))
				sum += int32(int16(a))*int32(int16(b)) + int32(int16(a>>16))*int32(int16(b>>16))
			}
			v := float32(float32(sum) * float32(*ahead(t.aScale, i)**ahead(t.bScale, j)))
			if t.addition {
				v += c[j]
			}
			c[j] = v
		}
	}
}
