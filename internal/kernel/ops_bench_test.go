package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkAttend is one layer of SmolLM2 135M (9 heads of 64, 3 of keys): one
// token after n others, and a prompt of n in one pass.
func BenchmarkAttend(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	o := AttendOptions{Heads: 9, Scale: 0.125}
	for _, typ := range []Type{F16, Q8_0, F32} {
		for _, n := range []int{512, 4096} {
			kv := KV{Type: typ, BlockLen: 32, KVHeads: 3, HeadDim: 64}
			rng := rand.New(rand.NewPCG(1, 2))
			c := newPaged(rng, kv, o, n)
			s := &c.seqs[0]
			c.kv.StoreRows(p, s.k, s.v, []Span{{Len: n, Blocks: s.blocks}})
			var a Attender
			y := make([]float32, len(s.q))
			run := func(name string, span Span) {
				b.Run(fmt.Sprintf("%s/%v/%d", name, typ, n), func(b *testing.B) {
					spans := []Span{span}
					rows := span.Len * 9 * 64
					for b.Loop() {
						a.Attend(p, y[:rows], s.q[:rows], c.kv, spans, o)
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(span.Len), "µs/token")
				})
			}
			run("decode", Span{Len: 1, Past: n - 1, Blocks: s.blocks})
			if n == 512 {
				run("prefill", Span{Len: n, Blocks: s.blocks})
			}
		}
	}
}

func BenchmarkStoreRows(b *testing.B) {
	for _, typ := range []Type{F16, Q8_0} {
		b.Run(typ.String(), func(b *testing.B) {
			c := newPaged(rand.New(rand.NewPCG(1, 2)), KV{Type: typ, BlockLen: 32, KVHeads: 3, HeadDim: 64}, AttendOptions{Heads: 9}, 512)
			s := &c.seqs[0]
			spans := []Span{{Len: 1, Past: 77, Blocks: s.blocks}}
			for b.Loop() {
				c.kv.StoreRows(nil, s.k, s.v, spans)
			}
		})
	}
}

func BenchmarkRows(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	for _, rows := range []int{1, 512} {
		x, y, w := make([]float32, rows*1536), make([]float32, rows*1536), make([]float32, 1536)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		copy(w, x)
		run := func(name string, bytes int, f func()) {
			b.Run(fmt.Sprintf("%s/rows=%d", name, rows), func(b *testing.B) {
				b.SetBytes(int64(bytes))
				for b.Loop() {
					f()
				}
			})
		}
		n := rows * 576
		run("RMSNorm", 8*n, func() { RMSNorm(p, y[:n], x[:n], w[:576], 1e-5) })
		run("Add", 12*n, func() { Add(p, y[:n], y[:n], x[:n]) })
		for _, act := range []Activation{SiLU, GELU, GELUTanh} {
			run("GLU "+act.String(), 12*len(x), func() { GLU(p, y, x, x, act) })
		}
	}
}
