//go:build amd64 && !purego

package kernel

import "runtime"

//go:noescape
func readAVX2(b *byte, chunks int)

//go:noescape
func readAVX512(b *byte, chunks int)

//go:noescape
func fmaAVX2(steps int)

//go:noescape
func fmaAVX512(steps int)

//go:noescape
func int8AVX2(steps int)

//go:noescape
func int8AVX512(steps int)

// peakWidth is how many multiplications one step of fmaLoop and of int8Loop does.
func peakWidth() (lanes, bytes int) {
	switch isa {
	case pathAVX512:
		return 12 * 16, 12 * 64
	case pathAVX2:
		return 12 * 8, 12 * 32
	}
	return 1, 1
}

func readAll(b []byte) {
	switch n := len(b) / peakChunk; {
	case n == 0:
	case isa == pathAVX512:
		readAVX512(&b[0], n)
	case isa == pathAVX2:
		readAVX2(&b[0], n)
	default:
		readPlain(b)
	}
}

func fmaLoop(steps int) {
	switch isa {
	case pathAVX512:
		fmaAVX512(steps)
	case pathAVX2:
		fmaAVX2(steps)
	default:
		fmaPlain(steps)
	}
}

func int8Loop(steps int) {
	switch isa {
	case pathAVX512:
		int8AVX512(steps)
	case pathAVX2:
		int8AVX2(steps)
	default:
		runtime.KeepAlive(int8Plain(steps)) // it is not to be left out
	}
}
