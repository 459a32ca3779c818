package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

var floatTypes = []Type{F32, F16, BF16}

// lowRankCase is groups of updates over some rows.
type lowRankCase struct {
	in, out, rows int
	x, y          []float32
	groups        []RowGroup
}

// newLowRankCase deals the rows to n groups and to none, in turn; group i has 1+i%3
// updates, the ranks going round.
func newLowRankCase(t testing.TB, seed uint64, typ Type, in, out, rows, n int, ranks ...int) *lowRankCase {
	rng := rand.New(rand.NewPCG(11, seed))
	c := &lowRankCase{in: in, out: out, rows: rows, x: randomActs(rng, rows, in), y: randomActs(rng, rows, out)}
	for i := range n {
		g := RowGroup{}
		for k := range 1 + i%3 {
			g.Sum = append(g.Sum, randomLowRank(t, rng, typ, in, out, ranks[(i+k)%len(ranks)]))
		}
		c.groups = append(c.groups, g)
	}
	for r := range rows {
		if i := r / 3 % (n + 1); i < n { // three rows at a time, so that some follow each other
			c.groups[i].Rows = append(c.groups[i].Rows, int32(r))
		}
	}
	return c
}

func randomLowRank(t testing.TB, rng *rand.Rand, typ Type, in, out, r int) LowRank {
	f := formats[typ]
	a := mustMatrix(t, Source{Type: typ, Rows: r, Cols: in, Data: randomStored(rng, f, r, in)})
	b, err := NewUp(Source{Type: typ, Rows: out, Cols: r, Data: randomStored(rng, f, out, r)})
	if err != nil {
		t.Fatal(err)
	}
	return LowRank{A: a, B: b, Scale: float32(rng.NormFloat64())}
}

// column o of Bᵀ.
func (u *Up) column(o int) []float32 {
	v := make([]float32, u.R)
	for r := range v {
		at := o/panelOut*u.panelBytes() + (r*panelOut+o%panelOut)*u.size
		formats[u.Type].Dequantize(v[r:r+1], u.data[at:at+u.size])
	}
	return v
}

func (c *lowRankCase) run(l *LowRanks, p *Pool) []float32 {
	y := slices.Clone(c.y)
	l.Add(p, y, c.x, c.groups)
	return y
}

// TestLowRank compares with the definition in float64. The tolerance is the rounding
// of in products, of R products and of the sum, of the magnitudes that are added.
func TestLowRank(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		for seed, shape := range [][3]int{{32, 64, 1}, {48, 96, 7}, {17, 3, 5}, {576, 192, 4}, {100, 130, 41}} {
			for _, typ := range floatTypes {
				c := newLowRankCase(t, uint64(seed), typ, shape[0], shape[1], shape[2], 3, 1, 4, 16, 5, 33)
				have := c.run(&LowRanks{}, nil)
				want, bound := make([]float64, len(c.y)), make([]float64, len(c.y))
				for i, v := range c.y {
					want[i] = float64(v)
				}
				for _, g := range c.groups {
					for _, row := range g.Rows {
						for _, w := range g.Sum {
							addLowRank(want[int(row)*c.out:][:c.out], bound[int(row)*c.out:][:c.out], &w, c.x[int(row)*c.in:][:c.in])
						}
					}
				}
				for i, v := range have {
					limit := 0x1p-24 * (bound[i]*float64(c.in/lanes+8+33+4) + 4*math.Abs(want[i]))
					if d := math.Abs(float64(v) - want[i]); !(d <= limit) {
						t.Fatalf("%v %v: number %d of row %d is %g, want %g within %g", typ, shape, i%c.out, i/c.out, v, want[i], limit)
					}
					if bound[i] == 0 && v != c.y[i] {
						t.Fatalf("%v %v: row %d has no update and changes", typ, shape, i/c.out)
					}
				}
			}
		}
	})
}

// addLowRank adds s·B(Ax) to y, and the magnitudes of all products to bound.
func addLowRank(y, bound []float64, w *LowRank, x []float32) {
	z, m := make([]float64, w.B.R), make([]float64, w.B.R)
	row := make([]float32, len(x))
	for r := range z {
		w.A.Row(row, r)
		for i, v := range x {
			z[r] += float64(row[i]) * float64(v)
			m[r] += math.Abs(float64(row[i]) * float64(v))
		}
	}
	for o := range y {
		for r, b := range w.B.column(o) {
			y[o] += float64(b) * z[r] * float64(w.Scale)
			bound[o] += math.Abs(float64(b) * m[r] * float64(w.Scale))
		}
	}
}

// Every path computes the same bits, and a row gets the same ones alone, among
// others, and with any number of workers: in one chunk and in many.
func TestLowRankIdentities(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	for seed, c := range []struct{ in, out, rows int }{{576, 192, 9}, {64, 128, 150}, {50, 70, 8}, {32, panelOut*chunkPanels + 100, 6}} {
		for _, typ := range floatTypes {
			c := newLowRankCase(t, uint64(seed), typ, c.in, c.out, c.rows, 4, 16, 3, 8)
			before := Impl()
			Use("generic")
			want := c.run(&LowRanks{}, nil)
			Use(before)
			eachImpl(t, func(t *testing.T) {
				var l LowRanks
				for _, pool := range []*Pool{nil, p} {
					if i := firstDifference(c.run(&l, pool), want); i >= 0 {
						t.Fatalf("%v [%d, %d]: number %d of row %d differs from portable Go's", typ, c.in, c.out, i%c.out, i/c.out)
					}
				}
				for _, g := range c.groups {
					for _, row := range g.Rows {
						y := slices.Clone(c.y[int(row)*c.out:][:c.out])
						l.Add(p, y, c.x[int(row)*c.in:][:c.in], []RowGroup{{Rows: []int32{0}, Sum: g.Sum}})
						if i := firstDifference(y, want[int(row)*c.out:][:c.out]); i >= 0 {
							t.Fatalf("%v [%d, %d]: row %d alone has another number %d", typ, c.in, c.out, row, i)
						}
					}
				}
			})
		}
	}
}

// TestLookup: a row of a table is a row of A times B.
func TestLookup(t *testing.T) {
	const vocab, width, r = 50, 96, 5
	eachImpl(t, func(t *testing.T) {
		for _, typ := range floatTypes {
			rng := rand.New(rand.NewPCG(12, uint64(typ)))
			w := randomLowRank(t, rng, typ, r, width, r)
			w.A = mustMatrix(t, Source{Type: typ, Rows: vocab, Cols: r, Data: randomStored(rng, formats[typ], vocab, r)})
			ids := []int32{7, 49, 0, 7}
			have := make([]float32, len(ids)*width)
			new(LowRanks).Lookup(nil, have, ids, []RowGroup{{Rows: []int32{0, 1, 3}, Sum: []LowRank{w}}})
			a := make([]float32, r)
			for i, id := range ids {
				w.A.Row(a, int(id))
				for o := range width {
					want, column := float32(0), w.B.column(o)
					for k := range r {
						want = fma32(column[k], a[k]*w.Scale, want)
					}
					if i == 2 {
						want = 0
					}
					if have[i*width+o] != want {
						t.Fatalf("%v: number %d of id %d is %g, want %g", typ, o, id, have[i*width+o], want)
					}
				}
			}
		}
	})
}

// TestLowRankGuarded: nothing is read or written beyond the ends.
func TestLowRankGuarded(t *testing.T) {
	const rows = 5
	eachImpl(t, func(t *testing.T) {
		for _, typ := range floatTypes {
			for _, shape := range [][3]int{{17, 3, 5}, {32, 64, 4}, {576, 130, 7}} {
				in, out, r := shape[0], shape[1], shape[2]
				for _, front := range []bool{false, true} {
					rng := rand.New(rand.NewPCG(13, 1))
					w := randomLowRank(t, rng, typ, in, out, r)
					for _, data := range []*[]byte{&w.A.data, &w.B.data} {
						g := guarded(t, len(*data), front)
						copy(g, *data)
						*data = g
					}
					x, y := asFloats(guarded(t, 4*rows*in, front)), asFloats(guarded(t, 4*rows*out, front))
					copy(x, randomActs(rng, rows, in))
					new(LowRanks).Add(nil, y, x, []RowGroup{{Rows: []int32{0, 1, 2, 3, 4}, Sum: []LowRank{w}}})
				}
			}
		}
	})
}

// Once its memory has grown, it allocates nothing.
func TestLowRankAllocates(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	eachImpl(t, func(t *testing.T) {
		few, many := newLowRankCase(t, 1, F16, 50, 70, 3, 1, 4), newLowRankCase(t, 2, BF16, 64, 512, 90, 4, 16, 3)
		var l LowRanks
		step := func() {
			l.Add(p, few.y, few.x, few.groups)
			l.Add(p, many.y, many.x, many.groups)
		}
		step()
		if n := testing.AllocsPerRun(20, step); n != 0 {
			t.Errorf("%v allocations a run", n)
		}
	})
}

// TestLowRankShapes: shapes that do not fit are a fault of the caller.
func TestLowRankShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 1))
	w := randomLowRank(t, rng, F16, 32, 64, 4)
	other := randomLowRank(t, rng, F16, 48, 64, 4)
	for _, test := range []struct {
		y, x int
		sum  []LowRank
	}{{64, 48, []LowRank{w}}, {65, 32, []LowRank{w}}, {128, 32, []LowRank{w}}, {64, 32, []LowRank{w, other}}, {64, 32, []LowRank{{A: w.misfit(t), B: w.B}}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("y %d, x %d: no panic", test.y, test.x)
				}
			}()
			new(LowRanks).Add(nil, make([]float32, test.y), make([]float32, test.x), []RowGroup{{Rows: []int32{0}, Sum: test.sum}})
		}()
	}
	for _, src := range []Source{{Type: Q8_0, Rows: 1, Cols: 32, Data: make([]byte, 34)}, {Type: F16, Rows: 2, Cols: 2, Data: make([]byte, 7)}} {
		if _, err := NewUp(src); err == nil {
			t.Errorf("%v: no error", src.Type)
		}
	}
}

// misfit is a matrix A of another rank.
func (w LowRank) misfit(t *testing.T) *Matrix {
	return mustMatrix(t, Source{Type: F16, Rows: w.B.R + 1, Cols: w.A.Cols, Data: make([]byte, 2*(w.B.R+1)*w.A.Cols)})
}

// TestExchange: y = y - w*old + w*stretch*new, and exactly for w of 0 and of 1.
func TestExchange(t *testing.T) {
	const width, n = 70, 5
	rng := rand.New(rand.NewPCG(15, 1))
	old, other, stretch := randomActs(rng, n, width), randomActs(rng, n, width), randomActs(rng, 1, width)
	rows := []int32{1, 2, 4}
	eachImpl(t, func(t *testing.T) {
		for _, by := range []float32{0, 1, -0.3} {
			for _, s := range [][]float32{nil, stretch} {
				y := slices.Clone(old)
				Exchange(nil, y, old, slices.Clone(other), s, width, rows, by)
				Shift(nil, y, stretch, rows, by)
				for i := range y {
					f, want := float32(1), old[i]
					if s != nil {
						f = s[i%width]
					}
					if slices.Contains(rows, int32(i/width)) {
						want = fma32(stretch[i%width], by, fma32(old[i], -by, old[i])+f*float32(other[i]*by))
					}
					if y[i] != want {
						t.Fatalf("weight %g, %d stretches: number %d is %g, want %g", by, len(s), i, y[i], want)
					}
				}
			}
		}
	})
}

// TestTurns: rows that take turns are the same rows, and what they make the same bits,
// for one row, two, four and more.
func TestTurns(t *testing.T) {
	for seed, shape := range [][3]int{{576, 192, 1}, {32, 64, 3}, {64, 130, 41}, {48, 64, 6}} {
		for _, typ := range []Type{F16, BF16} {
			c := newLowRankCase(t, uint64(seed), typ, shape[0], shape[1], shape[2], 3, 16, 4, 5)
			want := c.run(&LowRanks{}, nil)
			turned := 0
			for _, g := range c.groups {
				for _, w := range g.Sum {
					var rows, after [][]float32
					for r := range w.A.Rows {
						rows, after = append(rows, make([]float32, w.A.Cols)), append(after, make([]float32, w.A.Cols))
						w.A.Row(rows[r], r)
					}
					Gather([]*Matrix{w.A}, []*Up{w.B})
					for r := range after {
						if w.A.Row(after[r], r); firstDifference(after[r], rows[r]) >= 0 {
							t.Fatalf("%v %v: row %d is another", typ, shape, r)
						}
					}
					if w.A.turns {
						turned++
					}
				}
			}
			if turned == 0 {
				t.Fatalf("%v %v: no rows take turns", typ, shape)
			}
			eachImpl(t, func(t *testing.T) {
				if i := firstDifference(c.run(&LowRanks{}, nil), want); i >= 0 {
					t.Errorf("%v %v: number %d differs", typ, shape, i)
				}
			})
		}
	}
}

// BenchmarkLowRank applies rank 16 to [576, 576], as in SmolLM2: one row, eight with
// one adapter, eight with eight, a prompt.
func BenchmarkLowRank(b *testing.B) {
	p := NewPool(0)
	defer p.Close()
	for _, c := range []struct{ groups, rows int }{{1, 1}, {1, 8}, {8, 8}, {1, 512}} {
		b.Run(fmt.Sprintf("%d adapters, %d rows", c.groups, c.rows), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(16, 1))
			const width, r = 576, 16
			x, y := randomActs(rng, c.rows, width), make([]float32, c.rows*width)
			groups := make([]RowGroup, c.groups)
			for i := range groups {
				groups[i].Sum = []LowRank{randomLowRank(b, rng, F16, width, width, r)}
				for k := range c.rows / c.groups {
					groups[i].Rows = append(groups[i].Rows, int32(i+k))
				}
			}
			var l LowRanks
			b.SetBytes(int64(c.groups * 2 * 2 * r * width))
			for b.Loop() {
				l.Add(p, y, x, groups)
			}
		})
	}
}

// TestGather: the numbers stay, and lie one after the other, those of a matrix that
// comes twice once.
func TestGather(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 1))
	x, y, z := randomLowRank(t, rng, F16, 32, 64, 4), randomLowRank(t, rng, F32, 48, 70, 3), randomLowRank(t, rng, BF16, 32, 10, 4)
	pieces := []*[]byte{&x.A.data, &x.B.data, &y.A.data, &y.B.data, &z.B.data}
	var want [][]byte
	for _, p := range pieces {
		want = append(want, slices.Clone(*p))
	}
	if spare := Gather([]*Matrix{x.A, y.A, x.A}, []*Up{x.B, y.B, z.B}); spare != 0 {
		t.Errorf("%d bytes to spare", spare)
	}
	if !x.A.turns || y.A.turns {
		t.Error("rows take turns where they could not, or do not where they could")
	}
	for i, p := range pieces {
		if have := slices.Clone(*p); !slices.Equal(have, want[i]) != (i == 0) { // [4, 32]: rows take turns
			t.Errorf("piece %d has other numbers: %t", i, i > 0)
		}
		if i > 0 {
			before := *pieces[i-1]
			if end := unsafe.Add(unsafe.Pointer(&before[0]), len(before)); end != unsafe.Pointer(&(*p)[0]) {
				t.Errorf("piece %d does not follow the one before", i)
			}
		}
		if cap(*p) != len(*p) {
			t.Errorf("piece %d reaches into the next", i)
		}
	}
}
