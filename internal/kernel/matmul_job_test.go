package kernel

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestQueue: whoever takes, all of a queue is taken once; pieces are a third of what is
// left, within what is allowed, and single in the end.
func TestQueue(t *testing.T) {
	var q queue
	q.set(100, 200)
	var sizes []int
	next := 100
	for lo, hi := q.take(1, 30); lo < hi; lo, hi = q.take(1, 30) {
		if lo != next {
			t.Fatalf("a piece begins at %d, want %d", lo, next)
		}
		next = hi
		sizes = append(sizes, hi-lo)
	}
	if next != 200 || sizes[0] != 30 || sizes[1] != 23 || sizes[len(sizes)-1] != 1 || len(sizes) > 16 {
		t.Errorf("pieces %v up to %d", sizes, next)
	}
	q.set(0, 10000)
	taken := make([]atomic.Int32, 10000)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for lo, hi := q.take(7, 7); lo < hi; lo, hi = q.take(7, 7) {
				for i := lo; i < hi; i++ {
					taken[i].Add(1)
				}
			}
		})
	}
	all.Wait()
	for i := range taken {
		if n := taken[i].Load(); n != 1 {
			t.Fatalf("%d was taken %d times", i, n)
		}
	}
}

// TestDeal: all work is dealt once, as much to each worker; who computes updates beside has
// fewer units, by what they take.
func TestDeal(t *testing.T) {
	const cols = 1024
	w := &Matrix{Rows: 512, Cols: cols, data: make([]byte, 300_000)}
	for _, c := range []struct {
		rank, workers int
		apart         bool
		first, second int // units
	}{
		{0, 2, true, 50, 50},
		{32, 2, true, 45, 55}, // A and B have 96 KiB: a ninth of the time of the weights, 10 units
		{32, 9, true, 2, 12},
		{32, 10, false, 10, 10},
		{200, 2, false, 50, 50},
		{146, 2, true, 25, 75},
	} {
		u := LowRank{A: &Matrix{data: make([]byte, 2*cols*c.rank)}, B: &Up{data: make([]byte, 2*512*c.rank)}}
		y := []Product{{W: w, Groups: []RowGroup{{Sum: []LowRank{u}}, {Rows: []int32{0}, Sum: []LowRank{u}}}}}
		j := &productJob{all: y, a: &Acts{rows: 1}, few: true, shrinks: 3}
		lead, apart := j.goesApart(c.workers, 100)
		if apart != c.apart {
			t.Errorf("%+v: apart %v", c, apart)
		}
		j.deal(c.workers, 100, lead)
		shrinks, units := 0, 0
		for i := range j.shares {
			s := &j.shares[i]
			if int(s.units.next.Load()) != units || int(s.shrinks.next.Load()) != shrinks {
				t.Errorf("%+v: worker %d begins with unit %d and shrink %d, want %d and %d", c, i, s.units.next.Load(), s.shrinks.next.Load(), units, shrinks)
			}
			units, shrinks = int(s.units.end), int(s.shrinks.end)
		}
		if units != 100 || shrinks != 3 {
			t.Errorf("%+v: %d units, %d shrinks", c, units, shrinks)
		}
		a, b := &j.shares[0].units, &j.shares[1].units
		if first, second := int(a.end-a.next.Load()), int(b.end-b.next.Load()); first != c.first || second != c.second {
			t.Errorf("%+v: %d and %d units", c, first, second)
		}
		j.a.rows = 2
		if _, apart := j.goesApart(c.workers, 100); apart {
			t.Errorf("%+v: apart with two rows", c)
		}
	}
}

// TestErrand: all is asked for in as many steps as there are, and nothing is held.
func TestErrand(t *testing.T) {
	defer askAhead(asksAhead)
	askAhead(true)
	var l LowRanks
	l.Soon(&Matrix{data: make([]byte, 100)}, &Up{data: make([]byte, 5000)})
	l.Soon(&Matrix{data: make([]byte, 64)}, &Up{})
	for _, n := range []int{1, 7, 1000} {
		e := l.errand(n)
		e.left = append([][]byte(nil), e.left...)
		steps := 0
		for ; len(e.left) > 0; steps++ {
			e.run()
		}
		if steps > n || n == 7 && steps < 5 {
			t.Errorf("%d steps, want %d", steps, n)
		}
		e.run() // nothing is left
	}
	l.begin(nil, nil)
	l.end()
	if len(l.soon) != 0 || l.soon[:1][0] != nil {
		t.Error("it still holds memory")
	}
}

// TestAskAhead: kernels that ask memory for what comes next compute the bits of those that do
// not, and nobody asks for what he is not to ask for.
func TestAskAhead(t *testing.T) {
	defer askAhead(asksAhead)
	for _, typ := range []Type{F16, BF16} {
		c := newLowRankCase(t, 7, typ, 576, 320, 1, 1, 16)
		u := &c.groups[0].Sum[0]
		Gather([]*Matrix{u.A}, []*Up{u.B}) // as adapters are served
		eachImpl(t, func(t *testing.T) {
			var y [2][]float32
			for i, on := range []bool{false, true} {
				askAhead(on)
				y[i] = make([]float32, 320)
				w := mustMatrix(t, Source{Type: F16, Rows: 320, Cols: 576, Data: make([]byte, 320*576*2)})
				var a Acts
				var l LowRanks
				l.Soon(w, &Up{})
				if on != (len(l.soon) > 0) {
					t.Errorf("asks ahead: %t, and asked for %d pieces", on, len(l.soon))
				}
				a.Set(nil, c.x, 1, 576)
				MatMuls(nil, []Product{{Y: y[i], W: w, Groups: c.groups}}, &a, &l)
			}
			if k := firstDifference(y[0], y[1]); k >= 0 || slices.Max(y[0]) == 0 {
				t.Errorf("%v: number %d is %g and %g", typ, k, y[0][max(k, 0)], y[1][max(k, 0)])
			}
		})
	}
}
