//go:build !purego

package kernel

import "unsafe"

//go:noescape
func splitDigitsAVX512(high, low *int8, x *float32, n, next int) (top uint32, sum int32)

//go:noescape
func putValueAVX512(to *byte, high, low *int8, n, next, at int)

//go:noescape
func digitSoftmaxAVX512(c *digitSoftmax)

//go:noescape
func digitScoresAMX(t *digitCall)

//go:noescape
func digitValuesAMX(t *digitCall)

//go:noescape
func digitScores1AVX512(t *digitCall)

//go:noescape
func digitScores2AVX512(t *digitCall)

//go:noescape
func digitScores3AVX512(t *digitCall)

//go:noescape
func digitScores4AVX512(t *digitCall)

//go:noescape
func digitValues1AVX512(t *digitCall)

//go:noescape
func digitValues2AVX512(t *digitCall)

//go:noescape
func digitValues3AVX512(t *digitCall)

//go:noescape
func digitValues4AVX512(t *digitCall)

// digitShapes are the palettes for up to sixteen queries and tiles of values of 16, 32 and 64
// tokens; the last are those for keys, too.
var digitShapes = func() (all [3][digitLanes + 1][64]byte) {
	for i := range all {
		for queries := range all[i] {
			s, tokens := &all[i][queries], byte(16<<i)
			s[0] = 1
			for tile := range 8 {
				rows, bytes := byte(queries), byte(64)
				switch {
				case tile == 7:
					rows = tokens / 4
				case tile == 6:
					bytes = tokens
				}
				s[16+2*tile], s[48+tile] = bytes, rows
			}
		}
	}
	return all
}()

// Kernels for vectors by the number of queries, less one.
var (
	digitScoresAVX512 = [4]func(t *digitCall){digitScores1AVX512, digitScores2AVX512, digitScores3AVX512, digitScores4AVX512}
	digitValuesAVX512 = [4]func(t *digitCall){digitValues1AVX512, digitValues2AVX512, digitValues3AVX512, digitValues4AVX512}
)

// digitVectors is for how many queries vectors are as fast as tiles.
const digitVectors = 4

func (t *digitCall) scores() {
	switch {
	case isa != pathAVX512:
		t.scoresGeneric()
	case tiles && t.queries > digitVectors:
		t.shapes = &digitShapes[2][min(t.queries, digitLanes)][0]
		digitScoresAMX(t)
	default:
		t.byVectors(&digitScoresAVX512, digitDims, 2*digitDims*digitLanes*t.parts, 4*chunkLen)
	}
}

func (t *digitCall) values() {
	switch {
	case isa != pathAVX512:
		t.valuesGeneric()
	case tiles && t.queries > digitVectors:
		t.shapes = &digitShapes[t.tokens/32][min(t.queries, digitLanes)][0]
		digitValuesAMX(t)
	default:
		t.byVectors(&digitValuesAVX512, t.tokens, 2*digitLanes*chunkLen, t.row)
	}
}

// byVectors runs kernels for four queries at a time. The digits of one are so many bytes after
// those of another, those of a group so many after the one before, and so are results.
func (t *digitCall) byVectors(kernels *[4]func(t *digitCall), row, group, out int) {
	left, to, bias, by := t.left, t.out, t.bias, t.by
	for i := 0; i < t.queries; i += 4 {
		t.ahead.kept = t.ahead.at
		t.left = unsafe.Add(left, i/digitLanes*group+i%digitLanes*row)
		t.out = (*float32)(unsafe.Add(unsafe.Pointer(to), i*out))
		if bias != nil {
			t.bias = (*int32)(unsafe.Add(unsafe.Pointer(bias), 4*i))
		}
		if by != nil {
			t.by = (*float32)(unsafe.Add(unsafe.Pointer(by), 4*i))
		}
		kernels[min(4, t.queries-i)-1](t)
		if i > 0 || t.asked != 0 {
			t.ahead.at = t.ahead.kept // once for all queries
		}
	}
	t.left, t.out, t.bias, t.by = left, to, bias, by
}

func splitDigits(high, low []int8, x []float32, next int) (scale float32, sum int32) {
	if isa != pathAVX512 || len(x)%digitDims != 0 || len(x) == 0 {
		return splitDigitsGeneric(high, low, x, next)
	}
	last := (len(x)/digitDims-1)*next + digitDims - 1
	_, _ = high[last], low[last]
	top, sum := splitDigitsAVX512(&high[0], &low[0], &x[0], len(x), next)
	scale, _ = digitScale(top)
	return scale, sum
}

// fast reports whether it did the work, without a cap of scores.
func (f *digitSoftmax) fast() bool {
	if isa != pathAVX512 {
		return false
	}
	digitSoftmaxAVX512(f)
	return true
}

// putValuesFast reports whether it did the work. It writes the bytes of its tokens alone: another worker may be
// storing the others of their words.
func (kv *KV) putValuesFast(values []byte, x []digits, slot int) bool {
	if isa != pathAVX512 {
		return false
	}
	next, from := kv.BlockLen*64, slot/4*256
	_ = values[(kv.HeadDim/32-1)*next+from+255]
	for t := range x {
		putValueAVX512(&values[from], &x[t].high[0], &x[t].low[0], kv.HeadDim, next, slot%4+t)
	}
	return true
}
