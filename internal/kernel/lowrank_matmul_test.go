package kernel

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestLowRankMatMul: one meeting of the pool computes the bits of two, with any
// number of workers, for shapes whose panels and groups are not full, too.
func TestLowRankMatMul(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	for seed, shape := range [][3]int{{576, 192, 1}, {288, 576, 8}, {64, 130, 9}, {96, 3, 4}, {32, 300, 40}} {
		for _, typ := range []Type{Q4_1, Q8_0, F16} {
			in, out, rows := shape[0], shape[1], shape[2]
			rng := rand.New(rand.NewPCG(18, uint64(seed)))
			m := mustMatrix(t, Source{Type: typ, Rows: out, Cols: in, Data: randomStored(rng, formats[typ], out, in)})
			c := newLowRankCase(t, uint64(seed), BF16, in, out, rows, 3, 16, 5)
			eachImpl(t, func(t *testing.T) {
				for _, f := range products {
					var a, other Acts
					var l LowRanks
					a.Set(nil, c.x, rows, in)
					want := make([]float32, rows*out)
					f.f(nil, want, m, &a)
					base := slices.Clone(want)
					new(LowRanks).Add(nil, want, c.x, c.groups)
					if firstDifference(want, base) < 0 {
						t.Fatal("the updates change nothing")
					}
					for _, pool := range []*Pool{nil, p} {
						for range 5 {
							other.Set(pool, c.x, rows, in)
							have, plain := make([]float32, rows*out), make([]float32, rows*out)
							l.matMul(pool, have, m, &other, c.groups, f.exact)
							l.matMul(pool, plain, m, &other, nil, f.exact)
							if i := firstDifference(have, want); i >= 0 {
								t.Fatalf("%v %v, %s: number %d of row %d is %g, one after the other %g", typ, shape, f.name, i%out, i/out, have[i], want[i])
							}
							if i := firstDifference(plain, base); i >= 0 {
								t.Fatalf("%v %v, %s: number %d without updates is %g, want %g", typ, shape, f.name, i, plain[i], base[i])
							}
						}
					}
				}
			})
		}
	}
}

// Once its memory has grown, it allocates nothing.
func TestLowRankMatMulAllocates(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	c := newLowRankCase(t, 1, F16, 64, 192, 8, 3, 16)
	m := mustMatrix(t, Source{Type: Q4_1, Rows: 192, Cols: 64, Data: make([]byte, 192*Q4_1.RowBytes(64))})
	var l LowRanks
	var a Acts
	step := func() {
		a.Set(p, c.x, c.rows, c.in)
		l.MatMul(p, c.y, m, &a, c.groups)
		l.MatMulExact(p, c.y, m, &a, c.groups)
	}
	step()
	if n := testing.AllocsPerRun(20, step); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// TestLowRankMatMulFails: updates of another shape are a fault of the caller, and a
// worker that panics keeps nobody waiting.
func TestLowRankMatMulFails(t *testing.T) {
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
			new(LowRanks).MatMul(p, make([]float32, test.n*test.rows), m, &a, groups)
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
