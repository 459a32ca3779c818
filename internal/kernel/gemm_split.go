package kernel

import "math"

// Products of split numbers: a factor x counts as u + l, both bfloat16, u = x rounded
// and l = x - u rounded, which is x to 16 bits and more. Of the product of two factors
// u u, u l and l u are computed, each exactly; what is missing is below 2^-16 of it.
// Processors with AMX multiply tiles of bfloat16 so fast that three such products take
// a fraction of the time of one in float32.
//
// A number of the result begins at 0, or at what is added to, and takes blocks of 32 k
// in their order; in each u u, u l and l u of a and b in turn, as TDPBF16PS sums them:
//
//	c += Σ_even a_k b_k + Σ_odd a_k b_k
//
// both sums by fma from 0 in the order of k, with denormals as zeros. That depends on
// neither workers nor neighbouring rows.
//
// Split numbers lie in blocks of 32 rows (of b: columns) by 32 k: tiles of sixteen rows
// of sixteen pairs of k, a pair being 32 bits with the even k below. First two tiles of
// u, then two of l, which are left out where u u alone is computed. Tiles of b have pairs of
// k for rows.
const (
	splitSide  = 32
	splitRow   = 16             // pairs in a row of a tile
	splitTile  = 16 * splitRow  // pairs in a tile
	splitLower = 2 * splitTile  // from u to l
	splitBlock = 2 * splitLower // pairs in a block
)

// splitProduct is one call of the kernel: c [rows, columns] = or += a b, in blocks of 32
// rows, columns and k.
type splitProduct struct {
	a        *float32 // split, [rows, k or more] of blocks
	aRow     int      // bytes between its blocks of rows
	b        *float32 // split, [columns, k or more] of blocks
	bCol     int      // bytes between its blocks of columns
	c        *float32
	cRow     int // bytes between the rows of c
	k        int // blocks, as are the next two
	rows     int
	columns  int
	addition bool
	half     bool // u u alone
}

// generic is the portable kernel, and the definition of the others.
func (t *splitProduct) generic() {
	size := blockLen(t.half)
	for r := range t.rows * splitSide {
		row := ahead(t.a, r/splitSide*t.aRow/4+r%splitSide*splitRow)
		for j := range t.columns * splitSide {
			column := ahead(t.b, j/splitSide*t.bCol/4+j%splitSide/16*splitTile+j%16)
			c := ahead(t.c, r*t.cRow/4+j)
			sum := float32(0)
			if t.addition {
				sum = flush(*c)
			}
			for k := range t.k {
				u, v := ahead(row, k*size), ahead(column, k*size)
				sum = flush(sum + pairsOf(u, v))
				if !t.half {
					sum = flush(sum + pairsOf(u, ahead(v, splitLower)))
					sum = flush(sum + pairsOf(ahead(u, splitLower), v))
				}
			}
			*c = sum
		}
	}
}

// pairsOf is the product of a row of a tile and a column of another.
func pairsOf(a, b *float32) float32 {
	var even, odd float32
	for p := range splitRow {
		x, y := math.Float32bits(*ahead(a, p)), math.Float32bits(*ahead(b, p*splitRow))
		even = flush(fma32(lowerOf(x), lowerOf(y), even))
		odd = flush(fma32(upperOf(x), upperOf(y), odd))
	}
	return flush(even + odd)
}

func lowerOf(pair uint32) float32 { return flush(math.Float32frombits(pair << 16)) }
func upperOf(pair uint32) float32 { return flush(math.Float32frombits(pair &^ 0xffff)) }

// flush is x, or a zero of its sign for denormals.
func flush(x float32) float32 {
	if b := math.Float32bits(x); b&0x7f800000 == 0 {
		return math.Float32frombits(b & 0x80000000)
	}
	return x
}

// split is x as u + l.
func split(x float32) (u, l uint32) {
	u = uint32(F32ToBF16(flush(x)))
	return u, uint32(F32ToBF16(flush(x - BF16ToF32(uint16(u)))))
}

func splitRowsGeneric(dst, src []float32, row, n int, half bool) {
	for i := range n {
		for p := range splitRow {
			pairOf(dst[i*splitRow+p:], src[i*row+2*p], src[i*row+2*p+1], half)
		}
	}
}

func splitPairsGeneric(dst, src []float32, row, n int, half bool) {
	for i := range n * 16 {
		for j := range splitSide {
			to := i/16*blockLen(half) + j/16*splitTile + i%16*splitRow + j%16
			pairOf(dst[to:], src[2*i*row+j], src[(2*i+1)*row+j], half)
		}
	}
}

// pairOf splits a pair; the lower parts go splitLower on, with half nowhere.
func pairOf(dst []float32, even, odd float32, half bool) {
	u, l := split(even)
	v, m := split(odd)
	dst[0] = math.Float32frombits(u | v<<16)
	if !half {
		dst[splitLower] = math.Float32frombits(l | m<<16)
	}
}

func pastePanelsGeneric(dst, src []float32, rows, n, row, panel int) {
	for i := range rows {
		for c := 0; c < n; c += splitSide {
			copy(dst[i*row+c:i*row+min(c+splitSide, n)], src[c/splitSide*panel+i*splitSide:])
		}
	}
}
