package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// BenchmarkAttend is one layer of SmolLM2 135M (9 heads of 64, 3 of keys): one
// token after n others, and a prompt of n in one pass.
func BenchmarkAttend(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	o := AttendOptions{Heads: 9, Scale: 0.125}
	for _, typ := range []Type{F16, Q16, Q8_0, F32} {
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
			} else {
				run("prefill of 512 after", Span{Len: 512, Past: n - 512, Blocks: s.blocks})
			}
		}
	}
}

// BenchmarkAttendGroup is one token of models whose key heads have so many queries.
func BenchmarkAttendGroup(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	const kvHeads, headDim, n = 2, 64, 4096
	for _, group := range []int{1, 2, 3, 4, 5, 7, 8} {
		o := AttendOptions{Heads: kvHeads * group, Scale: 0.125}
		c := newPaged(rand.New(rand.NewPCG(1, 2)), KV{Type: F16, BlockLen: 32, KVHeads: kvHeads, HeadDim: headDim}, o, n)
		s := &c.seqs[0]
		c.kv.StoreRows(p, s.k, s.v, []Span{{Len: n, Blocks: s.blocks}})
		var a Attender
		y, spans := make([]float32, kvHeads*group*headDim), []Span{{Len: 1, Past: n - 1, Blocks: s.blocks}}
		b.Run(fmt.Sprint(group), func(b *testing.B) {
			for b.Loop() {
				a.Attend(p, y, s.q[:len(y)], c.kv, spans, o)
			}
		})
	}
}

// BenchmarkAttendDeep is eight times the 30 layers of SmolLM2 135M for one token after 4000 others, in
// memory as a cache has it: more than stays near the cores. What counts is bytes a second.
func BenchmarkAttendDeep(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	const layers, n = 240, 4000
	o := AttendOptions{Heads: 9, Scale: 0.125}
	for _, c := range []struct {
		typ  Type
		size int
	}{{F16, 16}, {F16, 32}, {F16, 64}, {Q16, 32}, {Q16, 64}, {Q16, 128}} {
		size := c.size
		b.Run(fmt.Sprintf("%v/block=%d", c.typ, size), func(b *testing.B) {
			kv := KV{Type: c.typ, BlockLen: size, KVHeads: 3, HeadDim: 64}
			kv.Stride = 2 * layers * kv.BlockBytes()
			blocks := make([]int32, (n+size-1)/size)
			for i := range blocks {
				blocks[i] = int32(i)
			}
			slab, err := NewSlab(len(blocks) * kv.Stride)
			if err != nil {
				b.Fatal(err)
			}
			defer slab.Close()
			x := make([]float32, max(n*3*64, 9*64))
			for i := range x {
				x[i] = float32(i%97) / 97
			}
			var of [layers]KV
			for i := range of {
				of[i] = kv
				at := 2 * i * kv.BlockBytes()
				of[i].K, of[i].V = slab.Bytes[at:], slab.Bytes[at+kv.BlockBytes():]
				of[i].StoreRows(p, x, x, []Span{{Len: n, Blocks: blocks}})
			}
			var a Attender
			y, spans := make([]float32, 9*64), []Span{{Len: 1, Past: n - 1, Blocks: blocks}}
			b.SetBytes(int64(len(slab.Bytes)))
			for b.Loop() {
				for i := range of {
					a.Attend(p, y, x[:9*64], &of[i], spans, o)
				}
			}
		})
	}
}

func BenchmarkStoreRows(b *testing.B) {
	for _, typ := range []Type{F16, Q16, Q8_0} {
		for _, rows := range []int{1, 256} {
			b.Run(fmt.Sprintf("%v/rows=%d", typ, rows), func(b *testing.B) {
				c := newPaged(rand.New(rand.NewPCG(1, 2)), KV{Type: typ, BlockLen: 32, KVHeads: 3, HeadDim: 64}, AttendOptions{Heads: 9}, 512)
				s := &c.seqs[0]
				spans := []Span{{Len: rows, Past: 77, Blocks: s.blocks}}
				for b.Loop() {
					c.kv.StoreRows(nil, s.k, s.v, spans)
				}
			})
		}
	}
}

// BenchmarkStoreFar is a row each of eight sequences, to blocks that are not near.
func BenchmarkStoreFar(b *testing.B) {
	const rows, blocks = 8, 8192
	for _, typ := range []Type{F16, Q16} {
		for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(fmt.Sprintf("%v/workers=%d", typ, workers), func(b *testing.B) {
				p := NewPool(workers)
				defer p.Close()
				kv := &KV{Type: typ, BlockLen: 32, KVHeads: 3, HeadDim: 64}
				kv.K, kv.V = make([]byte, blocks*kv.BlockBytes()), make([]byte, blocks*kv.BlockBytes())
				rng := rand.New(rand.NewPCG(1, 2))
				x, order := randomActs(rng, rows, 192), rng.Perm(blocks)
				spans := make([]Span, rows)
				for i := range spans {
					spans[i] = Span{Row: i, Len: 1, Past: rng.IntN(32), Blocks: make([]int32, 1)}
				}
				for at := 0; b.Loop(); at += rows {
					for i := range spans {
						spans[i].Blocks[0] = int32(order[(at+i)%blocks])
					}
					kv.StoreRows(p, x, x, spans)
				}
			})
		}
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
