package kernel

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// sequence is one sequence whose keys and values are kept in scattered blocks.
type sequence struct {
	q, k, v []float32 // [n, …]
	n       int
	blocks  []int32
}

// paged is a cache of some sequences, the first of which is to be looked at.
type paged struct {
	kv   *KV
	o    AttendOptions
	seqs []sequence
}

// newPaged makes a cache in which all that is never stored is NaN. Keys and
// values of a block lie together, with a gap before the next block.
func newPaged(rng *rand.Rand, kv KV, o AttendOptions, lengths ...int) *paged {
	c := &paged{kv: &kv, o: o}
	total := 0
	for _, n := range lengths {
		total += (n + kv.BlockLen - 1) / kv.BlockLen
	}
	kv.Stride = 2*kv.BlockBytes() + 64
	all := bytes.Repeat([]byte{0xff}, total*kv.Stride)
	kv.K, kv.V = all, all[kv.BlockBytes():]
	order := rng.Perm(total)
	normal := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	for _, n := range lengths {
		s := sequence{n: n, q: normal(n * o.Heads * kv.HeadDim), k: normal(n * kv.KVHeads * kv.HeadDim), v: normal(n * kv.KVHeads * kv.HeadDim)}
		for range (n + kv.BlockLen - 1) / kv.BlockLen {
			s.blocks = append(s.blocks, int32(order[0]))
			order = order[1:]
		}
		c.seqs = append(c.seqs, s)
	}
	return c
}

// piece is rows [from, to) of a sequence.
type piece struct{ seq, from, to int }

// step stores and computes the pieces as one batch, as a forward pass does, and
// appends to out what the rows of each sequence gave.
func (c *paged) step(a *Attender, p *Pool, out [][]float32, pieces ...piece) {
	var q, k, v []float32
	var spans []Span
	rows := 0
	qw, kw := c.o.Heads*c.kv.HeadDim, c.kv.KVHeads*c.kv.HeadDim
	for _, x := range pieces {
		s := &c.seqs[x.seq]
		q, k, v = append(q, s.q[x.from*qw:x.to*qw]...), append(k, s.k[x.from*kw:x.to*kw]...), append(v, s.v[x.from*kw:x.to*kw]...)
		spans = append(spans, Span{Row: rows, Len: x.to - x.from, Past: x.from, Blocks: s.blocks})
		rows += x.to - x.from
	}
	y := make([]float32, len(q))
	c.kv.StoreRows(p, k, v, spans)
	a.Attend(p, y, q, c.kv, spans, c.o)
	for i, x := range pieces {
		out[x.seq] = append(out[x.seq], y[spans[i].Row*qw:(spans[i].Row+spans[i].Len)*qw]...)
	}
}

func TestAttentionGolden(t *testing.T) {
	g := golden(t, "testdata/attention.safetensors")
	q, k, v := floats(g["q"]), floats(g["k"]), floats(g["v"])
	const rows, heads, kvHeads, dim = 150, 4, 2, 16
	eachImpl(t, func(t *testing.T) {
		p := NewPool(2)
		defer p.Close()
		for name, o := range map[string]AttendOptions{
			"causal": {Heads: heads, Scale: 0.25},
			"window": {Heads: heads, Scale: 0.25, Window: 20},
			"capped": {Heads: heads, Scale: 0.25, SoftCap: 3},
		} {
			kv := KV{Type: F32, BlockLen: 16, KVHeads: kvHeads, HeadDim: dim}
			c := newPaged(rand.New(rand.NewPCG(1, 1)), kv, o, rows)
			c.seqs[0].q, c.seqs[0].k, c.seqs[0].v = q, k, v
			out := make([][]float32, 1)
			c.step(&Attender{}, p, out, piece{0, 0, rows})
			within(t, name, out[0], floats(g[name]), 8, 1)
		}
		y := make([]float32, len(q))
		var a Attender
		for range 2 { // the second time in memory that is not fresh
			clear(y)
			a.AttendFull(p, y, q, k, v, kvHeads, dim, []Span{{Len: rows}}, AttendOptions{Heads: heads, Scale: 0.3})
			within(t, "full", y, floats(g["full"]), 8, 1)
		}
	})
}

// TestAttentionIdentities computes the same sequence whole, token by token, in
// random pieces among other sequences, with other block orders, cores and paths:
// always the same bits.
func TestAttentionIdentities(t *testing.T) {
	for _, c := range []struct {
		kv KV
		o  AttendOptions
		n  int
	}{
		{KV{Type: F32, BlockLen: 32, KVHeads: 3, HeadDim: 64}, AttendOptions{Heads: 3, Scale: 0.125}, 150},
		{KV{Type: F16, BlockLen: 32, KVHeads: 3, HeadDim: 64}, AttendOptions{Heads: 9, Scale: 0.125}, 300},
		{KV{Type: BF16, BlockLen: 64, KVHeads: 1, HeadDim: 24}, AttendOptions{Heads: 5, Scale: 0.2, Window: 40}, 290},
		{KV{Type: BF16, BlockLen: 64, KVHeads: 1, HeadDim: 128}, AttendOptions{Heads: 7, Scale: 0.1, Window: 100}, 150},
		{KV{Type: Q8_0, BlockLen: 32, KVHeads: 2, HeadDim: 96}, AttendOptions{Heads: 2, Scale: 0.1, SoftCap: 5}, 150},
		{KV{Type: F16, BlockLen: 128, KVHeads: 1, HeadDim: 8}, AttendOptions{Heads: 60, Scale: 0.3, Window: 130}, 280},
		{KV{Type: Q16, BlockLen: 32, KVHeads: 3, HeadDim: 64}, AttendOptions{Heads: 9, Scale: 0.125}, 300},
		{KV{Type: Q16, BlockLen: 16, KVHeads: 1, HeadDim: 256}, AttendOptions{Heads: 4, Scale: 0.1, Window: 100}, 290},
		{KV{Type: Q16, BlockLen: 64, KVHeads: 2, HeadDim: 64}, AttendOptions{Heads: 2, Scale: 0.1, Window: 40, SoftCap: 5}, 290},
		{KV{Type: Q16, BlockLen: 128, KVHeads: 1, HeadDim: 128}, AttendOptions{Heads: 20, Scale: 0.1}, 150},
	} {
		t.Run(fmt.Sprintf("%v %d of %d, dim %d", c.kv.Type, c.kv.KVHeads, c.o.Heads, c.kv.HeadDim), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(2, 3))
			cache := newPaged(rng, c.kv, c.o, c.n, 70, 200)
			var want []float32
			check := func(how string, have []float32) {
				t.Helper()
				if want == nil {
					want = have
				}
				if i := slices.IndexFunc(have, func(f float32) bool { return f != f }); i >= 0 {
					t.Fatalf("%s: number %d is NaN", how, i)
				}
				if !equalBits(have, want) {
					t.Errorf("%s gives other bits", how)
				}
			}
			pools := []*Pool{nil, NewPool(2), NewPool(5)}
			defer pools[1].Close()
			defer pools[2].Close()
			eachImpl(t, func(t *testing.T) {
				var a Attender
				portable := Impl() == "generic" || c.kv.Type == Q16 && Impl() == "avx2"
				if portable && len(Impls()) > 1 { // slow; the others have its bits
					out := make([][]float32, 3)
					cache.step(&a, pools[1], out, piece{0, 0, c.n})
					check("one pass, portable", out[0])
					return
				}
				for _, p := range pools {
					out := make([][]float32, 3)
					cache.step(&a, p, out, piece{0, 0, c.n})
					check(fmt.Sprintf("one pass, %s, %d workers", Impl(), p.Workers()), out[0])
				}
				out := make([][]float32, 3)
				for i := range c.n {
					cache.step(&a, pools[1], out, piece{0, i, i + 1})
				}
				check("token by token, "+Impl(), out[0])
				for round := range 3 {
					out := make([][]float32, 3)
					at := make([]int, 3)
					for at[0] < c.n {
						var batch []piece
						for _, s := range rng.Perm(3) {
							if n := min(rng.IntN(60), cache.seqs[s].n-at[s]); n > 0 {
								batch = append(batch, piece{s, at[s], at[s] + n})
								at[s] += n
							}
						}
						if len(batch) > 0 {
							cache.step(&a, pools[round%3], out, batch...)
						}
					}
					check("random pieces among others, "+Impl(), out[0])
				}
			})
		})
	}
}

func equalBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// TestKVTypes bounds what the stored type costs: by the rounding of keys and
// values of about unit size.
func TestKVTypes(t *testing.T) {
	const n = 150
	o := AttendOptions{Heads: 6, Scale: 0.125}
	run := func(typ Type) []float32 {
		kv := KV{Type: typ, BlockLen: 32, KVHeads: 2, HeadDim: 64}
		c := newPaged(rand.New(rand.NewPCG(7, 7)), kv, o, n)
		out := make([][]float32, 1)
		c.step(&Attender{}, nil, out, piece{0, 0, n})
		return out[0]
	}
	eachImpl(t, func(t *testing.T) {
		want := run(F32)
		for typ, limit := range map[Type]float64{F16: 0.003, BF16: 0.025, Q8_0: 0.03, Q16: 0.0006} {
			worst := 0.0
			for i, f := range run(typ) {
				worst = max(worst, math.Abs(float64(f-want[i])))
			}
			if !(worst <= limit && worst > limit/20) {
				t.Errorf("%v: off by %.5f, want at most %v, and not nothing", typ, worst, limit)
			}
		}
	})
}

func TestKVCheck(t *testing.T) {
	for _, kv := range []KV{
		{Type: Q4_0, BlockLen: 32, KVHeads: 1, HeadDim: 64},
		{Type: F16, BlockLen: 24, KVHeads: 1, HeadDim: 64},
		{Type: F16, BlockLen: 256, KVHeads: 1, HeadDim: 64},
		{Type: F16, BlockLen: 8, KVHeads: 1, HeadDim: 64},
		{Type: F16, BlockLen: 0, KVHeads: 1, HeadDim: 64},
		{Type: F16, BlockLen: 32, KVHeads: 0, HeadDim: 64},
		{Type: Q8_0, BlockLen: 32, KVHeads: 1, HeadDim: 48},
		{Type: Q16, BlockLen: 32, KVHeads: 1, HeadDim: 96},
		{Type: Q16, BlockLen: 32, KVHeads: 1, HeadDim: 576},
		{Type: F16, BlockLen: 32, KVHeads: 1, HeadDim: 64, Stride: 4000},
	} {
		if kv.Check() == nil {
			t.Errorf("%+v is accepted", kv)
		}
	}
}

func TestAttendDoesNotAllocate(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for _, typ := range []Type{F32, F16, BF16, Q8_0, Q16} {
		kv := KV{Type: typ, BlockLen: 32, KVHeads: 3, HeadDim: 64}
		c := newPaged(rand.New(rand.NewPCG(3, 3)), kv, AttendOptions{Heads: 9, Scale: 0.125}, 200)
		s := &c.seqs[0]
		spans := []Span{{Len: 1, Past: 199, Blocks: s.blocks}}
		y := make([]float32, 9*64)
		var a Attender
		if n := testing.AllocsPerRun(20, func() {
			c.kv.StoreRows(p, s.k, s.v, spans)
			a.Attend(p, y, s.q[:9*64], c.kv, spans, c.o)
		}); n != 0 {
			t.Errorf("%v: %v allocations for each step", typ, n)
		}
	}
}

// TestAttendNothing: queries of zeros weigh all keys alike, and a value that is no number
// shows to those who see it, in all of the head, and to nobody else.
func TestAttendNothing(t *testing.T) {
	const n, dim = 70, 64
	for _, typ := range []Type{F32, F16, BF16, Q8_0, Q16} {
		eachImpl(t, func(t *testing.T) {
			c := newPaged(rand.New(rand.NewPCG(4, 4)), KV{Type: typ, BlockLen: 32, KVHeads: 1, HeadDim: dim}, AttendOptions{Heads: 2, Scale: 0.125}, n)
			s := &c.seqs[0]
			clear(s.q)
			out := make([][]float32, 1)
			c.step(&Attender{}, nil, out, piece{0, 0, n})
			for e := range dim {
				mean := 0.0
				for j := range n {
					mean += float64(s.v[j*dim+e]) / n
				}
				if have := out[0][(n-1)*2*dim+e]; !(math.Abs(float64(have)-mean) < 0.01) {
					t.Fatalf("%v: number %d is %v, the mean is %v", typ, e, have, mean)
				}
			}
			if typ == Q8_0 {
				return // as ggml quantises, such a value is lost
			}
			s.v[50*dim+7] = float32(math.NaN())
			out = make([][]float32, 1)
			c.step(&Attender{}, nil, out, piece{0, 0, n})
			for i, f := range out[0] {
				row, e := i/(2*dim), i%dim
				if bad := f != f; bad && row < 50 || !bad && row >= 50 && e == 7 {
					t.Fatalf("%v: with a value that is none in row 50, number %d of row %d is %v", typ, e, row, f)
				}
			}
		})
	}
}

// TestBestKV: integers where vectors of 64 bytes multiply them and heads fill these, F16 everywhere else.
func TestBestKV(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		for headDim, filled := range map[int]bool{64: true, 128: true, 512: true, 96: false, 8: false, 576: false} {
			want := F16
			if filled && (Impl() == "amx" || Impl() == "avx512") {
				want = Q16
			}
			kv := KV{Type: BestKV(headDim), BlockLen: 32, KVHeads: 1, HeadDim: headDim}
			if kv.Type != want || kv.Check() != nil {
				t.Errorf("heads of %d: %v (%v), want %v", headDim, kv.Type, kv.Check(), want)
			}
		}
	})
}
