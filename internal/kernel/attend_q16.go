package kernel

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"
)

// Attention over keys and values in Q16: queries, and weights of values, become digits too, the
// weights, which have no sign, digits without one. Of a product of two numbers a and b
//
//	a b ≈ 256 (256 a.high b.high + a.high b.low + a.low b.high) a.scale b.scale
//
// without the product of the low digits, which is less than roundings make. The sum in brackets
// over a head's dimensions, or over a chunk's tokens, is an exact integer, and becomes float32
// with one rounding. So, for a chunk, with the names of attend.go,
//
//	t_j = Σ_d [q k_j] scale(k_j)      s_j = t_j 256 scale(q) Scale
//	w_j = p_j scale(v_j)              digits of w, whose scale is max w_j / digitTop
//	a_d = Σ_j [w v_d] 256 scale(w)
//
// Weights less than half a 32512th of the largest count as nothing.

// digitPass is how many queries have scores at a time, so that those and the keys or values stay in the
// first cache.
const digitPass = 32

// digitScratch is the working memory of one worker for that; n is the queries of a tile, of
// which every sixteen are a group.
type digitScratch struct {
	q            []int8    // queries [n/16][HeadDim/64][2 digits][16][64]
	scale        []float32 // [n + 3]  256 times theirs, and Scale
	bias         []int32   // [n]  what 128 more in each digit of a key adds to the sum
	keys, values digitCall
	softmax      digitSoftmax
	sums         [2][16][16]int32
}

// digitCall is products of digits of one chunk.
type digitCall struct {
	tiles   [chunkLen / digitLanes]*byte // stored: keys of sixteen tokens each, or values of tokens
	scales  [chunkLen / digitLanes]*byte // of keys: those of the sixteen
	n       int                          // tiles
	left    unsafe.Pointer               // digits of the queries, int8, or of their weights, uint8
	bias    *int32                       // of keys: what there is too much in each sum
	queries int
	parts   int      // tiles of dimensions: 64 each of keys, sixteen of values
	stride  int      // of keys: bytes from four dimensions to the next
	next    int      // bytes from 64 dimensions of keys, or 32 of values, to the next
	tokens  int      // of a tile of values
	out     *float32 // scores, rows chunkLen apart; or results, rows HeadDim apart
	row     int      // bytes from one row of out to the next
	by      *float32 // of values: what the results of each query are multiplied with
	shapes  *byte    // the palette
	ahead   *readAhead
	asked   int // not 0: what comes next has been asked for
	skip    int // of values, by vectors: so many times four lines of that have been
	sums    *[2][16][16]int32
}

// digitSoftmax is the softmax of the scores of some queries, and the digits of what it gives times the
// scales of the values. Vectors take four at a time, of which the last may be nobody's.
type digitSoftmax struct {
	rows    int                  // queries
	tokens  int                  // of a tile of values
	whole   int                  // not 0: all scores of all queries count, masks do not
	vectors int                  // of sixteen, beyond which no score counts
	ahead   *readAhead           // asked for four lines for each of those; nil: nothing is
	scale   *float32             // of scores, of each row, room for four
	masks   [digitPass][2]uint64 // a bit for each score that counts
	p       [digitPass * chunkLen]float32
	scales  [chunkLen / digitLanes]*byte // of values, of sixteen each
	offsets *[chunkLen / lanes]int       // where sixteen weights come in a row of w

	m, l [digitPass]float32              // the largest score, the sum
	w    [digitPass * 2 * chunkLen]uint8 // digits [digitPass/16][chunkLen/tokens][2 digits][16][tokens]
	top  [digitPass]float32              // 256 times their scale
	//lint:ignore U1000 assembly keeps what it needs between its loops
	by [4]float32
	//lint:ignore U1000 as by
	weights [4][chunkLen]float32
}

// digitOffsets are those of tiles of 16, 32 and 64 tokens.
var digitOffsets = func() (all [3][chunkLen / lanes]int) {
	for i := range all {
		tokens := 16 << i
		for v := range all[i] {
			at := v * lanes
			all[i][v] = at/tokens*tokens*2*digitLanes + at%tokens
		}
	}
	return all
}()

// reserve makes room for n queries.
func (x *digitScratch) reserve(n, headDim int) {
	groups := (n + digitLanes - 1) / digitLanes
	if size := groups * digitLanes * 2 * headDim; len(x.q) < size {
		x.q = make([]int8, size)
	}
	if len(x.bias) < n {
		x.scale, x.bias = make([]float32, n+3), make([]int32, n)
	}
}

// query takes query i of the tile.
func (x *digitScratch) query(i int, q []float32, scale float32) {
	const tile = digitDims * digitLanes
	to := x.q[i/digitLanes*digitLanes*2*len(q)+i%digitLanes*digitDims:]
	own, sum := splitDigits(to, to[tile:], q, 2*tile)
	x.bias[i] = 128 * sum
	x.scale[i] = own * 256 * scale
	if own == 0 {
		x.scale[i] = scale // of nothing: what counts is that it is not zero
	}
}

// chunkDigits is chunk for keys and values in Q16.
func (s *attendScratch) chunkDigits(j *attendJob, it *attendItem, c int, out partial) {
	kv, d, n, x := j.kv, j.kv.HeadDim, it.rows*j.group, s.digits
	first, blocks := it.blocks(j, c)
	from := first * kv.BlockLen
	x.take(kv, blocks, it.head, from)
	asked := 0 // the first that see anything ask for what comes next
	for q := 0; q < n; q += digitPass {
		rows := min(digitPass, n-q)
		_, to := it.seen(j, q+rows-1, c)
		if to <= from {
			continue
		}
		k, f, v := &x.keys, &x.softmax, &x.values
		if asked == 0 {
			s.ahead.places(kv, kv.V, blocks, it.head)
		}
		k.ahead, k.asked, k.queries = s.ahead, asked, rows
		k.left, k.bias = unsafe.Pointer(&x.q[2*q*d]), &x.bias[q]
		k.n, k.out = (to-from+digitLanes-1)/digitLanes, &f.p[from]
		k.scores()

		f.rows, f.vectors, f.scale = rows, (to+lanes-1)/lanes, &x.scale[q]
		lo, hi := it.common(j, q, rows, c)
		f.whole = 0
		if lo == 0 && hi == chunkLen {
			f.whole = 1
		} else {
			for i := range rows {
				lo, hi := it.seen(j, q+i, c)
				f.masks[i] = [2]uint64{below(hi) &^ below(lo), below(hi-64) &^ below(lo-64)}
			}
		}
		f.ahead, v.skip = nil, 0
		if asked == 0 {
			s.askAfter(j, it, c, blocks)
			if rows <= 4 {
				f.ahead, v.skip = s.ahead, f.vectors
			}
		}
		f.run(j.o.SoftCap)
		for i := range rows {
			out.m[q+i], out.l[q+i] = f.m[i], f.l[i]
		}

		v.ahead, v.asked, v.queries = s.ahead, asked, rows
		v.left, v.by = unsafe.Pointer(&f.w[2*digitLanes*from]), &f.top[0]
		v.n, v.out = (to-from+v.tokens-1)/v.tokens, &out.a[q*d]
		v.values()
		asked = 1
	}
}

// take says where the keys and values of a chunk lie, the first of which have position from.
func (x *digitScratch) take(kv *KV, blocks []int32, head, from int) {
	k, f, v, d := &x.keys, &x.softmax, &x.values, kv.HeadDim
	k.sums, v.sums = &x.sums, &x.sums
	k.parts, k.stride, k.next, k.row = d/digitDims, kv.BlockLen*8, kv.BlockLen*2*digitDims, 4*chunkLen
	v.parts, v.tokens, v.next, v.row = d/digitLanes, min(64, kv.BlockLen), kv.BlockLen*64, 4*d
	f.tokens, f.offsets = v.tokens, &digitOffsets[v.tokens/32]
	size, key, value := kv.headBytes(), 0, 0
	for _, b := range blocks {
		at := kv.at(int(b), head)
		keys, values := kv.K[at:at+size], kv.V[at:at+size]
		for i := range kv.BlockLen / digitLanes {
			k.tiles[key], k.scales[key] = &keys[4*kv.BlockLen+i*2*64], &keys[4*i*digitLanes]
			f.scales[from/digitLanes+key] = &values[4*i*digitLanes]
			key++
		}
		for i := range kv.BlockLen / v.tokens {
			v.tiles[value] = &values[4*kv.BlockLen+i*v.tokens*64]
			value++
		}
	}
	for i := range from / digitLanes { // of what is not seen, but read
		f.scales[i] = f.scales[from/digitLanes]
	}
}

// below has the lowest n bits, none if n is negative.
func below(n int) uint64 { return 1<<max(0, n) - 1 }

// run computes m, l, w and top of all rows.
func (f *digitSoftmax) run(softCap float32) {
	if softCap > 0 || !f.fast() {
		for i, scale := range unsafe.Slice(f.scale, f.rows) {
			lo, hi := f.seen(i)
			if lo < hi {
				f.m[i], f.l[i] = softmaxPart(f.p[i*chunkLen:(i+1)*chunkLen], lo, hi, scale, softCap, nil)
			}
			f.digits(i, lo, hi)
		}
	}
	for i := range f.rows {
		f.top[i] *= 256. / digitTop
	}
}

// seen is the range of scores of row i that count.
func (f *digitSoftmax) seen(i int) (lo, hi int) {
	m := f.masks[i]
	switch {
	case f.whole != 0:
		return 0, chunkLen
	case m[0] == 0 && m[1] == 0:
		return 0, 0
	}
	if lo = bits.TrailingZeros64(m[0]); m[0] == 0 {
		lo = 64 + bits.TrailingZeros64(m[1])
	}
	if hi = 64 + bits.Len64(m[1]); m[1] == 0 {
		hi = bits.Len64(m[0])
	}
	return lo, hi
}

// digits makes digits of the weights lo to hi of row i times the scales of their values. All others
// are zero, and so are those that are no number.
func (f *digitSoftmax) digits(i, lo, hi int) {
	var w [chunkLen]float32
	top := float32(0)
	for t := lo; t < hi; t++ {
		w[t] = f.p[i*chunkLen+t] * math.Float32frombits(binary.LittleEndian.Uint32(unsafe.Slice(f.scales[t/digitLanes], 4*digitLanes)[t%digitLanes*4:]))
		if w[t] > top {
			top = w[t]
		}
	}
	f.top[i] = top
	by := digitTop / max(top, 0x1p-100)
	dst := f.w[i/digitLanes*digitLanes*2*chunkLen+i%digitLanes*f.tokens:]
	for t, v := range w {
		q := 0
		if v == v {
			q = int(math.RoundToEven(float64(v * by)))
		}
		at := t/f.tokens*f.tokens*2*digitLanes + t%f.tokens
		dst[at], dst[at+f.tokens*digitLanes] = uint8(q>>8), uint8(q)
	}
}

// scoresGeneric computes t of queries with the keys of all tiles.
func (t *digitCall) scoresGeneric() {
	const tile = digitDims * digitLanes
	left, bias := unsafe.Slice((*int8)(t.left), (t.queries+digitLanes-1)/digitLanes*t.parts*2*tile), unsafe.Slice(t.bias, t.queries)
	out := unsafe.Slice(t.out, (t.queries-1)*chunkLen+t.n*digitLanes)
	for i := range t.n {
		keys := unsafe.Slice(t.tiles[i], t.parts*t.next-t.stride+128)
		scales := unsafe.Slice(t.scales[i], 4*digitLanes)
		for q := range t.queries {
			row := q/digitLanes*t.parts*2*tile + q%digitLanes*digitDims
			var sums [digitLanes]int32
			for part := range t.parts {
				for e := range digitDims {
					at, key := row+part*2*tile+e, part*t.next+e/4*t.stride+e%4
					high, low := int32(left[at]), int32(left[at+tile])
					for l := range sums {
						kHigh, kLow := int32(keys[key+4*l]), int32(keys[key+4*l+64])
						sums[l] += 256*high*kHigh + high*kLow + low*kHigh
					}
				}
			}
			for l, sum := range sums {
				scale := math.Float32frombits(binary.LittleEndian.Uint32(scales[4*l:]))
				out[q*chunkLen+i*digitLanes+l] = float32(sum-bias[q]) * scale
			}
		}
	}
}

// valuesGeneric computes the results of queries from the values of all tiles.
func (t *digitCall) valuesGeneric() {
	tile, d := t.tokens*digitLanes, t.row/4
	out, by := unsafe.Slice(t.out, t.queries*d), unsafe.Slice(t.by, t.queries)
	for q := range t.queries {
		row := q/digitLanes*2*digitLanes*chunkLen + q%digitLanes*t.tokens
		left := unsafe.Slice((*uint8)(t.left), row+(2*t.n-1)*tile+t.tokens)
		for part := range t.parts {
			var sums [digitLanes]int32
			for i := range t.n {
				values := unsafe.Slice(t.tiles[i], part/2*t.next+t.tokens*64)[part/2*t.next+part%2*128:]
				for e := range t.tokens {
					at, value := row+i*2*tile+e, e/4*256+e%4
					high, low := int32(left[at]), int32(left[at+tile])
					for l := range sums {
						vHigh, vLow := int32(int8(values[value+4*l])), int32(int8(values[value+4*l+64]))
						sums[l] += 256*high*vHigh + high*vLow + low*vHigh
					}
				}
			}
			for l, sum := range sums {
				out[q*d+part*digitLanes+l] = float32(sum) * by[q]
			}
		}
	}
}
