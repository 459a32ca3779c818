//go:build amd64 && !purego

package kernel

//go:noescape
func offsetTile1AVX512(t *tile)

//go:noescape
func offsetTile2AVX512(t *tile)

//go:noescape
func offsetTile4AVX512(t *tile)

//go:noescape
func offsetTile8AVX512(t *tile)

//go:noescape
func minsTile1AVX512(t *tile)

//go:noescape
func minsTile2AVX512(t *tile)

//go:noescape
func minsTile4AVX512(t *tile)

//go:noescape
func minsTile8AVX512(t *tile)

//go:noescape
func step16Tile1AVX512(t *tile)

//go:noescape
func step16Tile2AVX512(t *tile)

//go:noescape
func step16Tile4AVX512(t *tile)

//go:noescape
func step16Tile8AVX512(t *tile)

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

// tileKernels are the assembly kernels of a path, by kind and by the logarithm
// of how many tokens they take.
type tileKernels [4][4]func(*tile)

// Kinds of tile kernels.
const (
	offsetTile = iota
	wideTile   // weights of eight bits
	minsTile
	step16Tile
)

var tilesAVX2 = tileKernels{
	offsetTile: {offsetTile1AVX2, offsetTile2AVX2, offsetTile4AVX2},
	wideTile:   {wideTile1AVX2, wideTile2AVX2, wideTile4AVX2},
	minsTile:   {minsTile1AVX2, minsTile2AVX2, minsTile4AVX2},
	step16Tile: {step16Tile1AVX2, step16Tile2AVX2, step16Tile4AVX2},
}

var tilesAVX512 = tileKernels{
	offsetTile: {offsetTile1AVX512, offsetTile2AVX512, offsetTile4AVX512, offsetTile8AVX512},
	wideTile:   {offsetTile1AVX512, offsetTile2AVX512, offsetTile4AVX512, offsetTile8AVX512},
	minsTile:   {minsTile1AVX512, minsTile2AVX512, minsTile4AVX512, minsTile8AVX512},
	step16Tile: {step16Tile1AVX512, step16Tile2AVX512, step16Tile4AVX512, step16Tile8AVX512},
}

// run computes the tile with the path in use.
func (t *tile) run(p *packing) {
	kind := offsetTile
	switch {
	case p.step == 16:
		kind = step16Tile
	case p.mins:
		kind = minsTile
	case p.shift == 7:
		kind = wideTile
	}
	switch isa {
	case pathAVX512:
		t.runAsm(&tilesAVX512[kind], 3)
	case pathAVX2:
		t.runAsm(&tilesAVX2[kind], 2)
	default:
		t.generic(p)
	}
}

// runAsm takes the tokens 1<<most at a time, then what is left by halves.
func (t *tile) runAsm(kernels *[4]func(*tile), most int) {
	for k := most; t.tokens > 0; {
		if t.tokens < 1<<k {
			k--
			continue
		}
		kernels[k](t)
		t.tokens -= 1 << k
		if t.tokens > 0 {
			t.x = t.x[t.stride<<k:]
			t.out = t.out[t.outStride<<k:]
		}
	}
}
