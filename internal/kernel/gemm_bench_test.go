package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkGemm reports the best of all runs, and its share of what the tile kernel
// alone does with operands that never leave the first cache, measured in turns with
// it: neighbours on the machine slow both.
func BenchmarkGemm(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	pool := NewPool(0)
	defer pool.Close()
	for _, typ := range []Type{F32, BF16, Q4_1, Q8_0, Q4_K} {
		f, _ := FormatOf(typ)
		for _, size := range [][3]int{{1024, 576, 576}, {1024, 1536, 576}, {1024, 192, 576}, {1024, 576, 1536}, {168, 49152, 576}} {
			m, out, in := size[0], size[1], size[2]
			if in%f.BlockLen != 0 {
				in = (in + 255) / 256 * 256
			}
			w := mustMatrix(b, Source{Type: typ, Rows: out, Cols: in, Data: randomStored(rng, f, out, in)})
			x, y := randomF32(rng, m*in), randomF32(rng, m*out)
			for _, precision := range []Precision{Full, Half} {
				if precision != Full && (tiles || !precision.Fast()) {
					continue
				}
				g := Gemm{Precision: precision}
				name := fmt.Sprintf("%v/%v/%dx%dx%d/", precision, typ, m, out, in)
				b.Run(name+"along", func(b *testing.B) {
					benchmarkBest(b, pool, g.pairs(), 2*m*out*in, func() { g.MulT(pool, y, x, m, w, false) })
				})
				b.Run(name+"across", func(b *testing.B) {
					benchmarkBest(b, pool, g.pairs(), 2*m*out*in, func() { g.Mul(pool, x, y, m, w, false) })
				})
			}
		}
	}
}

func benchmarkBest(b *testing.B, pool *Pool, pairs pairKind, flops int, run func()) {
	best, top := time.Hour, time.Hour
	for b.Loop() {
		for range 3 {
			start := time.Now()
			pool.Run(pool.Workers(), fmaPeak{pairs})
			top = min(top, time.Since(start))
		}
		start := time.Now()
		run()
		best = min(best, time.Since(start))
	}
	rate := float64(flops) / best.Seconds()
	peak := float64(2*pool.Workers()*peakTiles*gemmRows*gemmCols*peakDepth) / top.Seconds()
	if pairs != noPairs {
		peak *= 2
	}
	b.ReportMetric(rate/1e9, "GFLOPS")
	b.ReportMetric(peak/1e9, "peak")
	b.ReportMetric(rate/peak, "share")
}

const (
	peakTiles = 300
	peakDepth = 128
)

// fmaPeak is a task of tiles that stay in the first cache.
type fmaPeak struct{ pairs pairKind }

func (p fmaPeak) Do(int) {
	var a [gemmRows * peakDepth]float32
	var m [gemmCols * peakDepth]float32
	var c [gemmRows * gemmCols]float32
	t := gemmTile{a: &a[0], aRow: 1, aCol: gemmRows, b: &m[0], bRow: gemmCols, c: &c[0], cRow: gemmCols, k: peakDepth, pairs: p.pairs, aScale: &a[0], bScale: &m[0]}
	for range peakTiles {
		t.run(gemmCols)
	}
}
