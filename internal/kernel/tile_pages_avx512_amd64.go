//go:build amd64 && !purego

package kernel

//go:noescape
func tileQ4_0x1PagesAVX512(t *tile)

//go:noescape
func tileQ4_1x1PagesAVX512(t *tile)

//go:noescape
func tileQ5_0x1PagesAVX512(t *tile)

//go:noescape
func tileQ5_1x1PagesAVX512(t *tile)

//go:noescape
func tileQ8_0x1PagesAVX512(t *tile)

//go:noescape
func tileQ4_Kx1PagesAVX512(t *tile)

//go:noescape
func tileQ5_Kx1PagesAVX512(t *tile)

//go:noescape
func tileQ6_Kx1PagesAVX512(t *tile)

//go:noescape
func wordsQ4_0x1PagesAVX512(t *tile)

//go:noescape
func wordsQ4_1x1PagesAVX512(t *tile)

//go:noescape
func wordsQ5_0x1PagesAVX512(t *tile)

//go:noescape
func wordsQ5_1x1PagesAVX512(t *tile)

//go:noescape
func wordsQ8_0x1PagesAVX512(t *tile)

//go:noescape
func wordsQ4_Kx1PagesAVX512(t *tile)

//go:noescape
func wordsQ5_Kx1PagesAVX512(t *tile)

//go:noescape
func wordsQ6_Kx1PagesAVX512(t *tile)

// pagesAVX512 are the tile kernels for one row of activations, of 8 and of 16 bits, that ask for memory four
// pages at a time. A single row is as fast as memory.
var pagesAVX512 = [BF16 + 1][2]func(*tile){
	Q4_0: {tileQ4_0x1PagesAVX512, wordsQ4_0x1PagesAVX512},
	Q4_1: {tileQ4_1x1PagesAVX512, wordsQ4_1x1PagesAVX512},
	Q5_0: {tileQ5_0x1PagesAVX512, wordsQ5_0x1PagesAVX512},
	Q5_1: {tileQ5_1x1PagesAVX512, wordsQ5_1x1PagesAVX512},
	Q8_0: {tileQ8_0x1PagesAVX512, wordsQ8_0x1PagesAVX512},
	Q4_K: {tileQ4_Kx1PagesAVX512, wordsQ4_Kx1PagesAVX512},
	Q5_K: {tileQ5_Kx1PagesAVX512, wordsQ5_Kx1PagesAVX512},
	Q6_K: {tileQ6_Kx1PagesAVX512, wordsQ6_Kx1PagesAVX512},
}

// asksPages says that long stretches of weights are asked for so; tests switch it off. A 7B has a fifth more
// tokens/s with it on AMD's Zen 4 and a third more on Intel (docs/performance.md).
var asksPages = true

// What is asked for beyond the end of a stretch is for nothing, and its beginning is not asked for; so it must be
// long, and of a large matrix, which is not in the last cache.
const (
	pagesLeast = 128 << 10 // bytes of a call
	pagesGroup = 32 << 10  // bytes of a group
)

// onePass is the kernel for one row of activations.
func (t *tile) onePass(f *Format, kernels *[4]func(*tile)) func(*tile) {
	if !asksPages || isa != pathAVX512 || len(t.src) < pagesLeast || t.passes.bytes < pagesGroup {
		return kernels[0]
	}
	if t.words != nil {
		return pagesAVX512[f.Type][1]
	}
	return pagesAVX512[f.Type][0]
}
