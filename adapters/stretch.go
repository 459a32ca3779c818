package adapters

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"graft/internal/kernel"
)

// stretch fills the stretches of DoRA alone.
func (k *checker) stretch() {
	for i := range k.out.Parts {
		p := &k.out.Parts[i]
		if !p.Module.DoRA() {
			continue
		}
		p.stretch()
		if slices.ContainsFunc(p.Stretch, func(f float32) bool { return !isFinite(float64(f)) }) {
			k.fail("module %s: its update is not finite", p.Module.Path)
		}
	}
}

// stretchRows is how many rows are computed at a time.
const stretchRows = 32

// stretch fills Stretch from the dequantised rows of W: m/‖W + s·B·A‖. It is what
// takes the time when a DoRA adapter is loaded, so all cores do it, in float32, and
// the squares are added up in float64. Who computes a row does not change it.
func (p *Part) stretch() {
	n := p.Linear.W.Rows
	magnitude := p.Module.Magnitude.Rows(p.Linear.Start, n).Float32()
	p.Stretch = make([]float32, n)
	// Row i of B·A is what a table B makes of the id i with Aᵀ.
	b, err := matrix(p.B)
	if err != nil {
		panic(err) // Check has compared the shapes
	}
	up, err := kernel.NewUp(source(p.A.transposed()))
	if err != nil {
		panic(err)
	}
	update := []kernel.LowRank{{A: b, B: up, Scale: float32(p.Module.Scale())}}
	var next atomic.Int64
	var done sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+stretchRows-1)/stretchRows) {
		done.Go(func() {
			var low kernel.LowRanks
			rows := make([]float32, stretchRows*p.Linear.W.Cols)
			for {
				hi := int(next.Add(stretchRows))
				lo := hi - stretchRows
				if lo >= n {
					return
				}
				p.stretchSome(lo, min(hi, n), rows, &low, update, magnitude)
			}
		})
	}
	done.Wait()
}

// stretchSome is stretch of rows lo to hi, with memory for them.
func (p *Part) stretchSome(lo, hi int, rows []float32, low *kernel.LowRanks, update []kernel.LowRank, magnitude []float32) {
	in := p.Linear.W.Cols
	ids, which := make([]int32, hi-lo), make([]int32, hi-lo)
	for i := range ids {
		ids[i], which[i] = int32(lo+i), int32(i)
		p.Linear.W.Row(rows[i*in:(i+1)*in], lo+i)
	}
	rows = rows[:(hi-lo)*in]
	low.Lookup(nil, rows, ids, []kernel.RowGroup{{Rows: which, Sum: update}})
	for i := range ids {
		sum := 0.0
		for part := range slices.Chunk(rows[i*in:(i+1)*in], 64) {
			sum += float64(kernel.Dot(part, part))
		}
		p.Stretch[lo+i] = float32(float64(magnitude[lo+i]) / math.Sqrt(sum))
	}
}

// change2 is ‖W' − W‖² of rows that are stretched.
func (p *Part) change2() float64 {
	u := newUpdater(p)
	w := make([]float32, p.Linear.W.Cols)
	delta := 0.0
	for i, f := range p.Stretch {
		p.Linear.W.Row(w, i)
		for j, v := range u.row(w, i) {
			d := float64(f)*v - float64(w[j])
			delta += d * d
		}
	}
	return delta
}
