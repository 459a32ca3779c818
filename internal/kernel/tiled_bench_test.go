package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// BenchmarkTiles is the kernels of tiles by themselves, of eight groups of Q4_1: nanoseconds for sixteen
// by sixteen outputs and 32 columns, with sixteen rows of activations, which stay near, and with 256.
func BenchmarkTiles(b *testing.B) {
	if !tiles {
		b.Skip("no tiles")
	}
	const blocks, cols = 9, 9 * 32
	benchSums = new(tiledSums) // not on the stack, where it might be cut by lines of the cache
	f, _ := FormatOf(Q4_1)
	for _, by := range []tiling{byBytes, byPairs, byWords} {
		for _, squares := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/rows=%d", []string{byBytes: "bytes", byPairs: "pairs", byWords: "words"}[by], squares*groupRows), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				var a Acts
				a.Set(nil, randomActs(rng, squares*groupRows, cols), squares*groupRows, cols)
				a.tile16(nil, by)
				m := mustMatrix(b, Source{Type: Q4_1, Rows: tiledChunk * groupRows, Cols: cols, Data: randomStored(rng, f, tiledChunk*groupRows, cols)})
				y := Product{Y: make([]float32, squares*groupRows*m.Rows), W: m, Exact: by != byBytes}
				q, wide := make([]uint8, len(y.W.data)*8), make([]uint16, m.Rows*cols)
				scale, mins := make([]float32, m.Rows*blocks), make([]float32, m.Rows*blocks)
				f.unpack(q, scale, mins, m.data, tiledChunk*blocks)
				f.unpackWide(wide, q, scale, mins, m.data, tiledChunk*blocks)
				t := tiledCall{by: by, q: unsafe.Pointer(&q[0]), scale: &scale[0], mins: &mins[0], blocks: blocks, sums: benchSums,
					out: &y.Y[0], outRow: 4 * m.Rows, rows: squares, groups: tiledChunk}
				if by == byPairs {
					t.q = unsafe.Pointer(&wide[0])
				}
				for b.Loop() {
					a.runTiled(&t, &y, 0, 0)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*squares*tiledChunk*blocks), "ns/unit")
			})
		}
	}
}

var benchSums *tiledSums
