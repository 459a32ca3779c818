//go:build amd64 && !purego

package kernel

//go:noescape
func dotFourF16x1AheadAVX512(t *dotTile)

//go:noescape
func dotFourBF16x1AheadAVX512(t *dotTile)

//go:noescape
func expandF16x1AheadAVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandBF16x1AheadAVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)

// vendor is the maker of the processor, four letters in each number (CPUID, leaf 0).
func vendor() (b, d, c uint32)

// asksAhead says that memory is asked for A and B of adapters before the caller of MatMuls reads
// them for a single row, by Soon and by kernels. Where workers share the rows, pieces always ask.
// Intel's processors see little of a page in advance, and nothing of the next. AMD's follow
// such a stream by themselves, and what is asked for beside it holds it up (docs/decisions.md).
var asksAhead bool

func init() {
	b, d, c := vendor()
	amd := b == 'A'|'u'<<8|'t'<<16|'h'<<24 && d == 'e'|'n'<<8|'t'<<16|'i'<<24 && c == 'c'|'A'<<8|'M'<<16|'D'<<24
	askAhead(!amd)
}

// askAhead chooses the kernels that do so, or those that do not.
func askAhead(on bool) {
	asksAhead = on
	dots, expands := &dotFours[pathAVX512], &expandKernels[pathAVX512]
	if on {
		dots[F16][0], dots[BF16][0] = dotFourF16x1AheadAVX512, dotFourBF16x1AheadAVX512
		expands[F16][0], expands[BF16][0] = expandF16x1AheadAVX512, expandBF16x1AheadAVX512
		return
	}
	dots[F16][0], dots[BF16][0] = dotFourF16x1AVX512, dotFourBF16x1AVX512
	expands[F16][0], expands[BF16][0] = expandF16x1AVX512, expandBF16x1AVX512
}
