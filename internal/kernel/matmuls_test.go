package kernel

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestMatMuls: one meeting of the pool computes the bits of several, with any number
// of workers: products with matrices of other shapes and formats, some with updates
// and some without, for shapes whose panels and groups are not full, too.
func TestMatMuls(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	for seed, shape := range [][4]int{{576, 576, 192, 1}, {288, 576, 17, 8}, {64, 130, 3, 9}, {96, 3, 300, 4}, {32, 300, 64, 40}} {
		in, rows := shape[0], shape[3]
		rng := rand.New(rand.NewPCG(18, uint64(seed)))
		var matrices []*Matrix
		var cases []*lowRankCase
		for i, typ := range []Type{Q4_1, Q8_0, F16} {
			out := shape[1+i%2]
			matrices = append(matrices, mustMatrix(t, Source{Type: typ, Rows: out, Cols: in, Data: randomStored(rng, formats[typ], out, in)}))
			cases = append(cases, newLowRankCase(t, uint64(seed), BF16, in, out, rows, i, 16, 5))
		}
		x := cases[0].x
		eachImpl(t, func(t *testing.T) {
			var want [][]float32
			for i, m := range matrices {
				var a Acts
				a.Set(nil, x, rows, in)
				y := make([]float32, rows*m.Rows)
				products[i%2].f(nil, y, m, &a)
				before := slices.Clone(y)
				new(LowRanks).Add(nil, y, x, cases[i].groups)
				if some := len(cases[i].groups) > 0 && len(cases[i].groups[0].Rows) > 0; some != (firstDifference(y, before) >= 0) {
					t.Fatalf("updates: %t", some)
				}
				want = append(want, y)
			}
			var a Acts
			var l LowRanks
			for _, pool := range []*Pool{nil, p} {
				for round := range 5 {
					var all []Product
					low := &l
					for i, m := range matrices {
						all = append(all, Product{Y: make([]float32, rows*m.Rows), W: m, Exact: products[i%2].exact, Groups: cases[i].groups})
					}
					if round == 4 {
						all, low = all[:1], nil // the first has no updates
					}
					a.Set(pool, x, rows, in)
					MatMuls(pool, all, &a, low)
					for i := range all {
						if k := firstDifference(all[i].Y, want[i]); k >= 0 {
							t.Fatalf("%v, product %d: number %d is %g, alone %g", shape, i, k, all[i].Y[k], want[i][k])
						}
					}
				}
			}
		})
	}
}

// Rows in several bands have the bits that they have in one, with what updates add to them.
func TestMatMulsBands(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	const rows, in = 3*bandRows + 5, 96
	var matrices []*Matrix
	var cases []*lowRankCase
	for i, out := range []int{150, 64, 300} {
		rng := rand.New(rand.NewPCG(19, uint64(i)))
		matrices = append(matrices, mustMatrix(t, Source{Type: Q4_1, Rows: out, Cols: in, Data: randomStored(rng, formats[Q4_1], out, in)}))
		cases = append(cases, newLowRankCase(t, 7, BF16, in, out, rows, i, 16, 5))
	}
	x := cases[0].x
	eachImpl(t, func(t *testing.T) {
		mustCutBands(t)
		for _, pr := range products {
			var a Acts
			var l LowRanks
			var all []Product
			for i, m := range matrices {
				all = append(all, Product{Y: make([]float32, rows*m.Rows), W: m, Exact: pr.exact, Groups: cases[i].groups})
			}
			a.Set(p, x, rows, in)
			MatMuls(p, all, &a, &l)
			for i, m := range matrices {
				want := multiply(pr.exact, nil, m, x, rows)
				new(LowRanks).Add(nil, want, x, cases[i].groups)
				if k := firstDifference(all[i].Y, want); k >= 0 {
					t.Fatalf("%s, product %d: output %d of token %d is %v, in one band %v", pr.name, i, k%m.Rows, k/m.Rows, all[i].Y[k], want[k])
				}
			}
		}
	})
}

// Once its memory has grown, it allocates nothing.
func TestMatMulsAllocate(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	c := newLowRankCase(t, 1, F16, 64, 192, 8, 3, 16)
	m := mustMatrix(t, Source{Type: Q4_1, Rows: 192, Cols: 64, Data: make([]byte, 192*Q4_1.RowBytes(64))})
	var l LowRanks
	var a Acts
	all := []Product{{Y: c.y, W: m, Groups: c.groups}, {Y: slices.Clone(c.y), W: m, Exact: true, Groups: c.groups}}
	step := func() {
		a.Set(p, c.x, c.rows, c.in)
		MatMuls(p, all, &a, &l)
	}
	step()
	if n := testing.AllocsPerRun(20, step); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// TestMatMulsFail: updates of another shape are a fault of the caller, and a
// worker that panics keeps nobody waiting.
func TestMatMulsFail(t *testing.T) {
	p := NewPool(3) // closed in the end: workers that wait could not be
	c := newLowRankCase(t, 1, F16, 64, 192, 8, 3, 16)
	for _, test := range []struct {
		rows, cols, n int
		damage        func(c *LowRank)
		pool          bool // the panic comes from there
	}{
		{192, 64, 8, func(w *LowRank) {
			w.A = &Matrix{Type: F16, Rows: w.A.Rows, Cols: w.A.Cols, format: w.A.format, bytes: w.A.bytes}
		}, true},
		{96, 32, 16, nil, false}, // as many numbers in all
	} {
		m := mustMatrix(t, Source{Type: Q4_1, Rows: test.rows, Cols: test.cols, Data: make([]byte, test.rows*Q4_1.RowBytes(test.cols))})
		groups := []RowGroup{{Rows: []int32{0, 1}, Sum: slices.Clone(c.groups[0].Sum)}}
		if test.damage != nil {
			test.damage(&groups[0].Sum[0])
		}
		ended := make(chan any)
		go func() {
			defer func() { ended <- recover() }()
			var a Acts
			a.Set(p, c.x, test.n, test.cols)
			MatMuls(p, []Product{{Y: make([]float32, test.n*test.rows), W: m, Groups: groups}}, &a, new(LowRanks))
		}()
		select {
		case v := <-ended:
			var task *TaskPanic
			err, _ := v.(error)
			if v == nil || errors.As(err, &task) != test.pool {
				t.Errorf("[%d, %d]: panic %v", test.rows, test.cols, v)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("[%d, %d]: the workers wait for each other", test.rows, test.cols)
		}
	}
	p.Close()
}

// inTask runs f as the task of a pool, which cannot help it.
type inTask struct{ f func() }

func (t inTask) Do(i int) {
	if i == 0 {
		t.f()
	}
}

// TestMatMulsAlone: one worker does the shares of all when the others do not come, what
// it would wait for included.
func TestMatMulsAlone(t *testing.T) {
	p := NewPool(3)
	c := newLowRankCase(t, 1, F16, 64, 192, 8, 3, 16)
	m := mustMatrix(t, Source{Type: Q4_1, Rows: 192, Cols: 64, Data: make([]byte, 192*Q4_1.RowBytes(64))})
	product := func(pool *Pool) []float32 {
		var a Acts
		a.Set(pool, c.x, c.rows, c.in)
		y := make([]float32, c.rows*192)
		MatMuls(pool, []Product{{Y: y, W: m, Groups: c.groups}}, &a, new(LowRanks))
		return y
	}
	ended := make(chan []float32, 1)
	go func() { p.Run(2, inTask{func() { ended <- product(p) }}) }()
	select {
	case have := <-ended:
		if i := firstDifference(have, product(nil)); i >= 0 {
			t.Errorf("number %d differs", i)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the others")
	}
	p.Close()
}
