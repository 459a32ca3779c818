package opstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"graft/internal/kernel"
	"graft/internal/model"
)

// NewOps makes an implementation for the suite, with a cache as described.
type NewOps func(t testing.TB, cache model.CacheSpec) model.Ops

// Run holds an implementation against Reference, operation by operation. Inputs
// are of size 1; results must agree within 1e-5 where weights are floats.
func Run(t *testing.T, newOps NewOps) {
	t.Run("Embed", func(t *testing.T) { testEmbed(t, newOps) })
	t.Run("Norm", func(t *testing.T) { testNorm(t, newOps) })
	// Activations are rounded to 8 bits too; package kernel has the sharp tests.
	t.Run("Linear", func(t *testing.T) { RunLinear(t, newOps, 0.05) })
	t.Run("Rope", func(t *testing.T) { testRope(t, newOps) })
	t.Run("Attend", func(t *testing.T) { testAttend(t, newOps) })
	t.Run("Elementwise", func(t *testing.T) { testElementwise(t, newOps) })
	t.Run("Layer", func(t *testing.T) { testLayer(t, newOps) })
	t.Run("Arguments", func(t *testing.T) { testArguments(t, newOps) })
}

const tolerance = 1e-5

// rows are the batch sizes tried: one token, a few, more than any tile.
var rowCounts = []int{1, 2, 7, 67}

// pair is the implementation under test beside the reference, both begun on the
// same batch of one sequence.
type pair struct {
	ops, ref model.Ops
	batch    *model.Batch
	rng      *rand.Rand
}

const blockLen = 16

func newPair(t testing.TB, newOps NewOps, rows int) *pair {
	p := &pair{rng: rand.New(rand.NewPCG(1, uint64(rows)))}
	p.batch = sequence(make([]int32, rows), 0, []int32{4, 2, 0, 3, 1, 5})
	p.ops = newOps(t, model.CacheSpec{Layers: 1, KVHeads: 1, HeadDim: 8, Type: kernel.F32, BlockLen: blockLen, Blocks: 6})
	p.ref = NewReference(blockLen)
	p.ops.Begin(p.batch)
	p.ref.Begin(p.batch)
	return p
}

// sequence is a batch of one sequence.
func sequence(ids []int32, past int, blocks []int32) *model.Batch {
	return &model.Batch{IDs: ids, Segs: []model.Segment{{Len: len(ids), Past: past, Limit: past + len(ids), Blocks: blocks}}}
}

// input makes a value that no pass has made; its ID is below zero, so that it is
// new to every implementation.
func (p *pair) input(rows, width int) model.Value {
	v := model.Value{Data: make([]float32, rows*width), Rows: rows, Width: width, ID: -int32(p.rng.IntN(1<<30)) - 1}
	fill(p.rng, v.Data)
	return v
}

func fill(rng *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
}

func vector(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	fill(rng, v)
	return v
}

// linear is a random projection whose outputs have size 1.
func linear(t testing.TB, rng *rand.Rand, typ kernel.Type, out, in int) *model.Linear {
	t.Helper()
	w := vector(rng, out*in)
	for i := range w {
		w[i] /= float32(math.Sqrt(float64(in)))
	}
	data := make([]byte, out*typ.RowBytes(in))
	f, _ := kernel.FormatOf(typ)
	f.Quantize(data, w)
	m, err := kernel.NewMatrix(kernel.Source{Type: typ, Rows: out, Cols: in, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return &model.Linear{Name: fmt.Sprintf("%v [%d, %d]", typ, out, in), W: m}
}

// same compares shape and numbers.
func same(t testing.TB, what string, have, want model.Value, tol float64) {
	t.Helper()
	if have.Rows != want.Rows || have.Width != want.Width || len(have.Data) != len(want.Data) {
		t.Fatalf("%s: shape [%d, %d] of %d numbers, want [%d, %d]", what, have.Rows, have.Width, len(have.Data), want.Rows, want.Width)
	}
	if have.ID == 0 {
		t.Errorf("%s: the result has no ID", what)
	}
	for i, v := range have.Data {
		if d := math.Abs(float64(v) - float64(want.Data[i])); !(d <= tol*max(1, math.Abs(float64(want.Data[i])))) {
			t.Fatalf("%s [%d %d]: have %g, want %g: apart by %.3g", what, i/have.Width, i%have.Width, v, want.Data[i], d)
		}
	}
}

func testEmbed(t *testing.T, newOps NewOps) {
	for _, n := range rowCounts {
		p := newPair(t, newOps, n)
		for _, typ := range []kernel.Type{kernel.F32, kernel.BF16, kernel.Q8_0} {
			table := linear(t, p.rng, typ, 50, 96)
			ids := make([]int32, n)
			for i := range ids {
				ids[i] = int32(p.rng.IntN(50))
			}
			for _, scale := range []float32{1, 25.298} {
				same(t, fmt.Sprint(typ, n, scale), p.ops.Embed(table, ids, scale), p.ref.Embed(table, ids, scale), tolerance)
			}
		}
	}
}

func testNorm(t *testing.T, newOps NewOps) {
	for _, n := range rowCounts {
		for _, width := range []int{1, 31, 64, 576} {
			p := newPair(t, newOps, n)
			x := p.input(n, width)
			rms := &model.Norm{Weight: vector(p.rng, width), Eps: 1e-2}
			center := &model.Norm{Weight: rms.Weight, Bias: vector(p.rng, width), Eps: 1e-2, Center: true}
			same(t, fmt.Sprint("rms ", n, width), p.ops.Norm(x, rms), p.ref.Norm(x, rms), tolerance)
			same(t, fmt.Sprint("layer ", n, width), p.ops.Norm(x, center), p.ref.Norm(x, center), tolerance)
			if width%16 == 0 {
				heads := &model.Norm{Weight: vector(p.rng, 16), Eps: 1e-6}
				same(t, fmt.Sprint("heads ", n, width), p.ops.Norm(x, heads), p.ref.Norm(x, heads), tolerance)
			}
		}
	}
}

// RunLinear tries projections. Products with quantised weights must agree with
// the reference within tol.
func RunLinear(t *testing.T, newOps NewOps, tol float64) {
	for _, n := range rowCounts {
		p := newPair(t, newOps, n)
		x := p.input(n, 96)
		for _, typ := range []kernel.Type{kernel.F32, kernel.F16, kernel.BF16, kernel.Q8_0, kernel.Q4_1} {
			tol := tol
			if f, _ := kernel.FormatOf(typ); f.BlockLen == 1 {
				tol = tolerance
			}
			for _, out := range []int{1, 40, 129} {
				w := linear(t, p.rng, typ, out, 96)
				same(t, fmt.Sprint(w.Name, n), p.ops.Linear(x, w), p.ref.Linear(x, w), tol)
				w.B = vector(p.rng, out)
				same(t, fmt.Sprint(w.Name, n, " with bias"), p.ops.Linear(x, w), p.ref.Linear(x, w), tol)
			}
		}
		// Several at once, with a bias and of another format among them.
		some := []*model.Linear{linear(t, p.rng, kernel.Q4_1, 96, 96), linear(t, p.rng, kernel.Q8_0, 33, 96), linear(t, p.rng, kernel.Q4_1, 5, 96)}
		some[1].B = vector(p.rng, 33)
		have := slices.Clone(p.ops.Linears(x, some))
		for i, want := range p.ref.Linears(x, some) {
			same(t, fmt.Sprint(some[i].Name, n, " with others"), have[i], want, tol)
		}
		// Gated units, with a bias and without. Projections reach 4, and what one lacks is
		// multiplied by the other.
		for _, typ := range []kernel.Type{kernel.F32, kernel.Q4_1} {
			gated := [2]*model.Linear{linear(t, p.rng, typ, 40, 96), linear(t, p.rng, typ, 40, 96)}
			for range 2 {
				same(t, fmt.Sprint("gated ", gated[0].Name, n), p.ops.Gated(x, &gated, model.SiLU), p.ref.Gated(x, &gated, model.SiLU), 8*tol)
				gated[1].B = vector(p.rng, 40)
			}
		}
		// Another input of the same shape right after: nothing may be left of the first.
		w := linear(t, p.rng, kernel.Q8_0, 40, 96)
		y := p.input(n, 96)
		p.ops.Linear(x, w)
		same(t, "second input", p.ops.Linear(y, w), p.ref.Linear(y, w), tol)
	}
}

func testRope(t *testing.T, newOps NewOps) {
	rope := &model.Rope{HeadDim: 16, Dims: 16, InvFreq: []float32{1, .5, .3, .1, .03, .01, .003, .001}, MScale: 1}
	partial := &model.Rope{HeadDim: 16, Dims: 8, InvFreq: []float32{1, .3, .1, .01}, MScale: 1.19,
		InvFreqLong: []float32{.9, .2, .05, .001}, OriginalContext: 100}
	p := newPair(t, newOps, 1)
	b := &model.Batch{IDs: make([]int32, 46), Segs: []model.Segment{
		{Row: 0, Len: 40, Past: 0, Limit: 100}, {Row: 40, Len: 5, Past: 95, Limit: 101}, {Row: 45, Len: 1, Past: 4000, Limit: 8000},
	}}
	p.ops.Begin(b)
	p.ref.Begin(b)
	for _, heads := range []int{1, 3} {
		x := p.input(46, 16*heads)
		// Position 4000 turns by 4000 radians, which float32 knows to 2e-4.
		same(t, "rope", p.ops.Rope(clone(x), rope), p.ref.Rope(x, rope), 5e-4)
		same(t, "partial, long", p.ops.Rope(clone(x), partial), p.ref.Rope(x, partial), 5e-4)
		first := func(v model.Value) model.Value {
			return model.Value{Data: v.Data[:45*v.Width], Rows: 45, Width: v.Width, ID: v.ID}
		}
		same(t, "rope", first(p.ops.Rope(clone(x), rope)), first(p.ref.Rope(x, rope)), 2*tolerance)
		same(t, "partial, long", first(p.ops.Rope(clone(x), partial)), first(p.ref.Rope(x, partial)), 2*tolerance)
	}
}

// clone is x in memory of its own, for operations that use it up.
func clone(x model.Value) model.Value {
	x.Data = slices.Clone(x.Data)
	return x
}

func testElementwise(t *testing.T, newOps NewOps) {
	for _, n := range rowCounts {
		for _, width := range []int{1, 19, 96} {
			p := newPair(t, newOps, n)
			x, y := p.input(n, width), p.input(n, width)
			for i := range x.Data {
				x.Data[i] *= 4
			}
			for _, act := range []model.Activation{model.SiLU, model.GELU, model.GELUTanh, model.Tanh} {
				same(t, fmt.Sprint("glu ", act), p.ops.GLU(x, y, act), p.ref.GLU(x, y, act), tolerance)
				same(t, fmt.Sprint("act ", act), p.ops.GLU(x, model.Value{}, act), p.ref.GLU(x, model.Value{}, act), tolerance)
			}
			same(t, "add", p.ops.Add(x, y), p.ref.Add(x, y), 0)
			one := p.input(1, width)
			same(t, "add one row", p.ops.Add(x, one), p.ref.Add(x, one), 0)
			same(t, "scale", p.ops.Scale(x, 0.3, 0), p.ref.Scale(x, 0.3, 0), tolerance)
			same(t, "cap", p.ops.Scale(x, 1.5, 2), p.ref.Scale(x, 1.5, 2), tolerance)
			rows := []int32{int32(n - 1), 0, int32(n / 2)}
			same(t, "select", p.ops.Select(x, rows), p.ref.Select(x, rows), 0)
		}
	}
}

// testLayer chains layers that use what the one before returned. Those that end in Residual
// may overwrite their input; others may not.
func testLayer(t *testing.T, newOps NewOps) {
	for _, n := range rowCounts {
		p := newPair(t, newOps, n)
		w := linear(t, p.rng, kernel.F32, 24, 24)
		part := func(o model.Ops, x model.Value) model.Value {
			return o.Linear(o.GLU(o.Linear(x, w), model.Value{}, model.Tanh), w)
		}
		sum := func(o model.Ops, b *model.Batch, x model.Value) model.Value {
			if len(b.IDs) != n {
				t.Errorf("the layer sees a batch of %d rows, want %d", len(b.IDs), n)
			}
			return o.Add(x, part(o, x))
		}
		residual := func(o model.Ops, b *model.Batch, x model.Value) model.Value {
			x = o.Residual(x, part(o, x))
			x = o.Residual(x, o.Linear(x, w))
			return o.Residual(x, o.Linear(x, w))
		}
		inner := func(o model.Ops, b *model.Batch, x model.Value) model.Value { // not of the layer's input
			h := part(o, x)
			return o.Residual(o.Scale(x, 2, 0), h)
		}
		x := p.input(n, 24)
		have, want := x, clone(x)
		for i, layer := range []struct {
			f          model.LayerFunc
			overwrites bool // may overwrite its input
		}{{sum, false}, {residual, true}, {sum, false}, {sum, false}, {residual, true}, {inner, false}, {residual, true}, {sum, false}} {
			in, before := have, slices.Clone(have.Data)
			have, want = p.ops.Layer(layer.f, have), p.ref.Layer(layer.f, want)
			if !slices.Equal(in.Data, before) && !layer.overwrites {
				t.Fatalf("layer %d of %d rows overwrote its input", i, n)
			}
			if have.ID == in.ID {
				t.Errorf("layer %d: the result has the ID of the input", i)
			}
			same(t, fmt.Sprintf("%d layers of %d rows", i+1, n), have, want, 10*tolerance)
		}
	}
}

// testArguments checks that no operation changes what it is given, but for those that use it up.
func testArguments(t *testing.T, newOps NewOps) {
	p := newPair(t, newOps, 5)
	x, y := p.input(5, 32), p.input(5, 32)
	before := append(append([]float32(nil), x.Data...), y.Data...)
	w := linear(t, p.rng, kernel.F32, 32, 32)
	p.ops.Norm(x, &model.Norm{Weight: vector(p.rng, 32), Eps: 1e-6})
	p.ops.Linear(x, w)
	p.ops.GLU(x, y, model.SiLU)
	p.ops.Add(x, y)
	p.ops.Scale(x, 3, 1)
	p.ops.Select(x, []int32{1})
	kv := p.input(5, 8)
	p.ops.Attend(x, kv, kv, &model.Attention{Heads: 4, KVHeads: 1, HeadDim: 8, Scale: 1, Causal: true})
	p.ops.Layer(func(o model.Ops, _ *model.Batch, v model.Value) model.Value { return o.Add(v, y) }, x)
	for i, v := range append(append([]float32(nil), x.Data...), y.Data...) {
		if v != before[i] {
			t.Fatalf("argument %d was changed from %g to %g", i, before[i], v)
		}
	}
}
