//go:build amd64 && !purego

package kernel

import "math"

//go:noescape
func offsetTile1AVX2(t *tile)

//go:noescape
func offsetTile2AVX2(t *tile)

//go:noescape
func offsetTile4AVX2(t *tile)

//go:noescape
func wideTile1AVX2(t *tile)

//go:noescape
func wideTile2AVX2(t *tile)

//go:noescape
func wideTile4AVX2(t *tile)

//go:noescape
func minsTile1AVX2(t *tile)

//go:noescape
func minsTile2AVX2(t *tile)

//go:noescape
func minsTile4AVX2(t *tile)

//go:noescape
func step16Tile1AVX2(t *tile)

//go:noescape
func step16Tile2AVX2(t *tile)

//go:noescape
func step16Tile4AVX2(t *tile)

//go:noescape
func nibbles1AVX2(t *tile)

//go:noescape
func nibbles2AVX2(t *tile)

//go:noescape
func nibbles4AVX2(t *tile)

//go:noescape
func nibbleMins1AVX2(t *tile)

//go:noescape
func nibbleMins2AVX2(t *tile)

//go:noescape
func nibbleMins4AVX2(t *tile)

// Kinds of tile kernels for AVX2.
const (
	offsetTile = iota
	wideTile   // weights of eight bits
	minsTile
	step16Tile
	nibbleTile // weights of four bits
	nibbleMinsTile
)

// tilesAVX2 are the tile kernels by kind and the logarithm of how many tokens they
// take. They read panels.
var tilesAVX2 = [...][4]func(*tile){
	offsetTile: {offsetTile1AVX2, offsetTile2AVX2, offsetTile4AVX2},
	wideTile:   {wideTile1AVX2, wideTile2AVX2, wideTile4AVX2},
	minsTile:   {minsTile1AVX2, minsTile2AVX2, minsTile4AVX2},
	step16Tile: {step16Tile1AVX2, step16Tile2AVX2, step16Tile4AVX2},

	nibbleTile:     {nibbles1AVX2, nibbles2AVX2, nibbles4AVX2},
	nibbleMinsTile: {nibbleMins1AVX2, nibbleMins2AVX2, nibbleMins4AVX2},
}

// takesPacked says that tiles of so many rows of activations read packed groups on the path in
// use, not panels. Kernels for AVX2 do so for few rows, four at a time: with more a panel is read often
// enough to be worth writing, and with blocks of 256 columns, whose scales take as long as some
// rows do, that is so sooner.
func takesPacked(f *Format, rows int) bool {
	const few, fewer = 8, 4
	if isa == pathAVX2 {
		return rows <= fewer || rows <= few && f.BlockLen < 256
	}
	return isa == pathAVX512
}

// groupsAtOnce is how many of n packed groups one call takes: all of them, if one kernel takes all rows of
// activations as well. The next one would find the first group far away.
func groupsAtOnce(rows, n int) int {
	if rows <= 2 || rows == 4 || rows == 8 {
		return n
	}
	return 1
}

// rowsAtOnce is how many rows of activations one call takes: kernels for AVX-512 all of them.
func rowsAtOnce() int {
	if isa == pathAVX512 {
		return math.MaxInt
	}
	return maxTokens
}

// run computes the tile with the path in use.
func (t *tile) run(f *Format) {
	if t.words != nil {
		t.runWords(f)
		return
	}
	switch isa {
	case pathAVX512:
		t.runPacked(&tilesAVX512[f.Type], 3, f)
	case pathAVX2:
		if t.src != nil {
			t.runPacked(&packedAVX2[f.Type], 2, f)
			return
		}
		t.runAsm(&tilesAVX2[f.packing.kindAVX2()], 2)
	default:
		t.generic(f.packing)
	}
}

func (p *packing) kindAVX2() int {
	switch {
	case p.step == 16:
		return step16Tile
	case p.bits == 4 && p.mins:
		return nibbleMinsTile
	case p.bits == 4:
		return nibbleTile
	case p.mins:
		return minsTile
	case p.shift == 7:
		return wideTile
	}
	return offsetTile
}

// runAsm takes the tokens 1<<most at a time, then what is left by halves.
func (t *tile) runAsm(kernels *[4]func(*tile), most int) {
	for k := most; t.tokens > 0; {
		if t.tokens < 1<<k {
			k--
			continue
		}
		kernels[k](t)
		t.skip(1 << k)
	}
}

// packedFar is how far ahead memory is asked for at least, if there is one pass: as many whole blocks, so
// that what a kernel reads first of a block, which may be its end, is asked for a block before as well.
const packedFar = 2048

// runPacked is runAsm for kernels that read packed groups. Those of the most tokens take as many after
// as many.
func (t *tile) runPacked(kernels *[4]func(*tile), most int, f *Format) {
	block := groupRows * f.BlockBytes
	for k := most; t.tokens > 0; {
		n := t.tokens >> k
		if n == 0 {
			k--
			continue
		}
		p := passes{n: n, left: t.groups, bytes: len(t.src) / t.groups, back: 4 * ((n-1)*t.outStride<<k - groupRows)}
		p.first = (packedFar + block - 1) / block * block
		if n > 1 {
			p.first = p.bytes
		}
		p.last = p.first + 64*(n-1)
		t.passes = p
		kernel := kernels[k]
		if k == 0 {
			kernel = t.onePass(f, kernels)
		}
		kernel(t)
		t.skip(n << k)
	}
}

// skip goes on to the tokens after the next n.
func (t *tile) skip(n int) {
	if t.tokens -= n; t.tokens == 0 {
		return
	}
	if t.words != nil {
		t.words = t.words[n*t.stride:]
	} else {
		t.x = t.x[n*t.stride:]
	}
	t.out = t.out[n*t.outStride:]
}
