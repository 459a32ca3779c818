//go:build unix

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// vectorOps are the operations on rows, over up to three inputs of one length.
var vectorOps = map[string]func(y, a, b, c []float32){
	"mulScaled": func(y, a, b, _ []float32) { mulScaled(y, a, b, 0.3) },
	"scale":     func(y, a, _, _ []float32) { scale(y, a, -1.7) },
	"shift":     func(y, a, _, _ []float32) { shift(y, a, 0.1) },
	"add":       func(y, a, b, _ []float32) { add(y, a, b) },
	"mulAdd":    func(y, a, b, _ []float32) { mulAdd(y, a, 1.3, b) },
	"softCap":   func(y, a, _, _ []float32) { softCap(y, a, 2.5) },
	"exp":       func(y, a, _, _ []float32) { expShifted(y, a, 0.4) },
	"silu":      func(y, a, _, _ []float32) { activate(y, a, nil, SiLU) },
	"silu*":     func(y, a, b, _ []float32) { activate(y, a, b, SiLU) },
	"gelu":      func(y, a, _, _ []float32) { activate(y, a, nil, GELU) },
	"gelu*":     func(y, a, b, _ []float32) { activate(y, a, b, GELU) },
	"geluTanh":  func(y, a, _, _ []float32) { activate(y, a, nil, GELUTanh) },
	"geluTanh*": func(y, a, b, _ []float32) { activate(y, a, b, GELUTanh) },
	"tanh":      func(y, a, _, _ []float32) { activate(y, a, nil, Tanh) },
	"tanh*":     func(y, a, b, _ []float32) { activate(y, a, b, Tanh) },
	"dot": func(y, a, b, _ []float32) {
		if len(y) > 0 {
			y[0] = Dot(a, b)
		}
	},
	"sum": func(y, a, _, _ []float32) {
		if len(y) > 0 {
			y[0] = sum(a)
		}
	},
	"maximum": func(y, a, _, _ []float32) {
		if len(y) > 0 {
			y[0] = Maximum(a)
		}
	},
	"rotate": func(y, a, b, c []float32) {
		n := len(y) / 2
		rotate(y, a, b[:n], c[:n])
	},
	"rotate partly": func(y, a, b, c []float32) {
		n := len(y) / 3
		rotate(y, a, b[:n], c[:n])
	},
}

// interesting fills x with ordinary numbers, or with special ones between them.
func interesting(rng *rand.Rand, x []float32, special bool) {
	odd := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.625, -0.625, 14.5, -14.5, 88.8, -87.4, -103.9, 200, -200, 1e-40, -1e-40, 3e38, -3e38,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	for i := range x {
		x[i] = float32(rng.NormFloat64() * 3)
		if special && rng.IntN(4) == 0 {
			x[i] = odd[rng.IntN(len(odd))]
		}
	}
}

// TestVectorPaths computes each operation on every path, at all short lengths,
// against guard pages at either end, in place and not: the bits are those of
// portable code.
func TestVectorPaths(t *testing.T) {
	restorePath(t)
	rng := rand.New(rand.NewPCG(5, 6))
	const most = 68
	mem := map[bool][4][]byte{}
	for _, front := range []bool{false, true} {
		mem[front] = [4][]byte{guarded(t, 4*most, front), guarded(t, 4*most, front), guarded(t, 4*most, front), guarded(t, 4*most, front)}
	}
	for name, op := range vectorOps {
		for n := range most {
			for round := range 4 {
				front, special := round%2 == 0, round > 1
				in := [3][]float32{make([]float32, n), make([]float32, n), make([]float32, n)}
				for i := range in {
					interesting(rng, in[i], special)
				}
				want := make([]float32, n)
				Use("generic")
				op(want, in[0], in[1], in[2])
				for _, path := range Impls() {
					Use(path)
					var v [4][]float32
					for i, b := range mem[front] {
						if !front {
							b = b[4*(most-n):]
						}
						v[i] = asFloats(b[: 4*n : 4*n])
						if i > 0 {
							copy(v[i], in[i-1])
						} else {
							clear(v[i])
						}
					}
					op(v[0], v[1], v[2], v[3])
					if !sameNumbers(v[0], want) {
						t.Fatalf("%s of %d numbers on %s:\n%v\nwant\n%v\nof\n%v\n%v", name, n, path, v[0], want, in[0], in[1])
					}
					if name == "dot" || name == "sum" || name == "maximum" {
						continue
					}
					op(v[1], v[1], v[2], v[3])
					if !sameNumbers(v[1], want) {
						t.Fatalf("%s of %d numbers in place on %s:\n%v\nwant\n%v", name, n, path, v[1], want)
					}
				}
			}
		}
	}
}

// TestActivationPaths walks through float32 with all functions of one number.
func TestActivationPaths(t *testing.T) {
	restorePath(t)
	const n = 4096
	x, have, want := make([]float32, n), make([]float32, n), make([]float32, n)
	b := uint32(0)
	for range 60 {
		for i := range x {
			x[i] = math.Float32frombits(b)
			b += 17477
		}
		for _, name := range []string{"exp", "silu", "gelu", "geluTanh", "tanh", "softCap"} {
			Use("generic")
			vectorOps[name](want, x, nil, nil)
			for _, path := range Impls() {
				Use(path)
				vectorOps[name](have, x, nil, nil)
				for i := range x {
					if !sameNumbers(have[i:i+1], want[i:i+1]) {
						t.Fatalf("%s(%v) is %v on %s, want %v", name, x[i], have[i], path, want[i])
					}
				}
			}
		}
	}
}

// TestConversionPaths has the conversions of rows against guard pages.
func TestConversionPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, f := range []*Format{formats[F16], formats[BF16]} {
		for n := range 68 {
			for _, front := range []bool{false, true} {
				x, raw, y := asFloats(guarded(t, 4*n, front)), guarded(t, 2*n, front), asFloats(guarded(t, 4*n, front))
				for i := range x {
					x[i] = math.Float32frombits(rng.Uint32())
				}
				check(t, fmt.Sprintf("%v of %d numbers", f, n), y, func() {
					clear(raw)
					f.Quantize(raw, x)
					f.Dequantize(y, raw)
				})
			}
		}
		for b := 0; b < 1<<16; b += 1 << 12 { // and all patterns
			raw, y := make([]byte, 2<<12), make([]float32, 1<<12)
			for i := range y {
				raw[2*i], raw[2*i+1] = byte(b+i), byte((b+i)>>8)
			}
			check(t, fmt.Sprintf("%v from %#x", f, b), y, func() { f.Dequantize(y, raw) })
		}
	}
}

// TestAttendPaths has the kernels of attention against guard pages.
func TestAttendPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	normal := func(n int, front bool) []float32 {
		x := asFloats(guarded(t, 4*n, front))
		interesting(rng, x, false)
		return x
	}
	for _, blockLen := range []int{16, 32, 64, 128} {
		for _, d := range []int{1, 8, 16, 40, 64, 80, 128} {
			for n := 1; n <= 5; n++ {
				front := rng.IntN(2) == 0
				s, q, k := normal((n-1)*chunkLen+blockLen, front), normal(n*d, front), normal(blockLen*d, front)
				check(t, fmt.Sprintf("scores of %d queries, %d keys of %d", n, blockLen, d), s, func() { attendScores(s, q, k, n, d, blockLen) })
				if n > 4 {
					continue
				}
				lo := rng.IntN(blockLen)
				hi := lo + 1 + rng.IntN(blockLen-lo)
				a, p := normal(n*d, front), normal((n-1)*chunkLen+hi, front)
				start := append([]float32{}, a...)
				check(t, fmt.Sprintf("%d queries with values %d to %d of %d numbers", n, lo, hi, d), a, func() {
					copy(a, start)
					attendValues(a, p, k, n, d, lo, hi)
				})
			}
		}
		for _, groups := range []int{1, 2, 4} {
			for _, front := range []bool{true, false} {
				q, scales, y := guarded(t, groups*32*blockLen, front), guarded(t, 2*groups*blockLen, front), asFloats(guarded(t, 4*groups*32*blockLen, front))
				for i := range q {
					q[i] = byte(rng.Uint32())
				}
				for i := range groups * blockLen {
					putHalf(scales[2*i:], rng.Float32())
				}
				check(t, fmt.Sprintf("%d groups of keys", groups), y, func() { decodeKeysQ8(y, q, scales, blockLen, groups) })
				check(t, fmt.Sprintf("%d groups of values", groups), y, func() { decodeValuesQ8(y, q, scales, groups*blockLen) })
			}
		}
	}
}

// restorePath puts the path in use back when the test is over.
func restorePath(t *testing.T) {
	before := Impl()
	t.Cleanup(func() { Use(before) })
}

// TestDirectPaths has the kernels for stored keys and values against guard pages;
// other paths decode first.
func TestDirectPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	for _, typ := range []Type{F32, F16, BF16} {
		for _, d := range []int{64, 192} {
			for _, blockLen := range []int{32, 128} {
				kv := &KV{Type: typ, BlockLen: blockLen, KVHeads: 1, HeadDim: d}
				for n := 1; n <= 6; n++ {
					front := n%2 == 0
					b := guarded(t, kv.BlockBytes(), front)
					kv.K, kv.V = b, b
					x := make([]float32, blockLen*d)
					interesting(rng, x, false)
					formats[typ].Quantize(b, x)
					floats := func(n int) []float32 {
						x := asFloats(guarded(t, 4*n, front))
						interesting(rng, x, false)
						return x
					}
					q, s := floats(n*d), floats((n-1)*chunkLen+blockLen)
					check(t, fmt.Sprintf("scores of %d queries with %d %v keys of %d", n, blockLen, typ, d), s, func() {
						if kv.direct(n) {
							kv.scoresDirect(s, q, b, n, new(readAhead))
							return
						}
						kv.keys(x, 0, 0)
						attendScores(s, q, x, n, d, blockLen)
					})
					if n > 4 {
						continue
					}
					lo := rng.IntN(blockLen)
					hi := lo + 1 + rng.IntN(blockLen-lo)
					a, p := floats(n*d), floats((n-1)*chunkLen+hi)
					start := append([]float32{}, a...)
					check(t, fmt.Sprintf("%d queries with %v values %d to %d of %d numbers", n, typ, lo, hi, d), a, func() {
						copy(a, start)
						if kv.direct(n) {
							kv.valuesDirect(a, p, b, n, lo, hi, new(readAhead))
							return
						}
						kv.values(x, 0, 0)
						attendValues(a, p, x, n, d, lo, hi)
					})
				}
			}
		}
	}
}

// TestSoftmaxPaths has the softmax of a chunk against guard pages.
func TestSoftmaxPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	for n := 16; n <= chunkLen; n += 16 {
		for round := range 20 {
			p := asFloats(guarded(t, 4*n, round%2 == 0))
			in := make([]float32, n)
			interesting(rng, in, false)
			lo := rng.IntN(min(16, n))
			hi := n - rng.IntN(16)
			if lo >= hi {
				hi = lo + 1
			}
			limit := float32(round % 3)
			in[rng.IntN(n)] = -300
			for i := range n {
				if i < lo || i >= hi {
					in[i] = float32(math.NaN()) // must not be looked at
				}
			}
			out := make([]float32, n+2)
			check(t, fmt.Sprintf("softmax of %d to %d", lo, hi), out, func() {
				copy(p, in)
				out[n], out[n+1] = softmaxPart(p, lo, hi, 0.7, limit, nil)
				copy(out, p)
			})
			exact, top := 0.0, math.Inf(-1)
			score := func(i int) float64 {
				s := float64(in[i]) * float64(float32(0.7))
				if limit > 0 {
					s = float64(limit) * math.Tanh(s/float64(limit))
				}
				return s
			}
			for i := lo; i < hi; i++ {
				top = max(top, score(i))
			}
			for i := lo; i < hi; i++ {
				exact += math.Exp(score(i) - top)
			}
			if d := math.Abs(float64(out[n+1])/exact - 1); !(d < 1e-6) || math.Abs(float64(out[n])-top) > 1e-5 {
				t.Fatalf("softmax of %d to %d: largest %v and sum %v, want %v and %v", lo, hi, out[n], out[n+1], top, exact)
			}
		}
	}
}

// check runs f on every path and compares what it leaves in y.
func check(t *testing.T, name string, y []float32, f func()) {
	t.Helper()
	defer Use(Impl())
	var want []float32
	for _, path := range Impls() {
		Use(path)
		clear(y)
		f()
		if want == nil {
			want = append([]float32{}, y...)
		} else if i := firstDifference(y, want); i >= 0 {
			t.Fatalf("%s on %s: number %d is %v, want %v", name, path, i, y[i], want[i])
		}
	}
}

// TestLargest against its definition, at the end of readable memory.
func TestLargest(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 1))
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	all := asFloats(guarded(t, 4*10000, false))
	eachImpl(t, func(t *testing.T) {
		for n := range 200 {
			if n > 150 {
				n *= 50 // more than one part
			}
			for _, odd := range []float32{0, 1e30, inf, -inf, nan} {
				x := all[len(all)-n:]
				for i := range x {
					x[i] = float32(rng.IntN(8)) - 9 // with equals
				}
				if n > 0 && odd != 0 {
					x[rng.IntN(n)] = odd
				}
				at, top, ok := 0, -inf, true
				for i, v := range x {
					if v > top {
						at, top = i, v
					}
					ok = ok && v == v
				}
				if !ok {
					at, top = 0, 0
				}
				if a, m, o := Largest(x); a != at || m != top || o != ok {
					t.Fatalf("of %d numbers, one of them %v: %d, %v, %v; want %d, %v, %v", n, odd, a, m, o, at, top, ok)
				}
			}
		}
	})
}
