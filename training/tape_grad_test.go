package training

import (
	"math"
	"testing"

	"graft/internal/model"
)

// Values that share the memory of a gradient get their own before it changes: here a sum's
// parts of which one is used again, or turned, while the other waits for its turn. All of
// it is linear, so the gradient is the sum of those of the parts.
func TestSharedGradients(t *testing.T) {
	rope := &model.Rope{InvFreq: []float32{1, 0.3}, MScale: 1, HeadDim: 4}
	b := &model.Batch{IDs: make([]int32, 4), Segs: []model.Segment{{Len: 4, Limit: 4}}}
	data := make([]float32, 4*8)
	fillNormal(data, 3, 1)
	tape := NewTape(nil, nil)
	gradient := func(f func(x model.Value) model.Value) []float32 {
		tape.Begin(b)
		leaf := tape.Leaf(data, 4, 8)
		v := tape.val(f(leaf).ID)
		v.grad = make([]float32, len(data))
		for i := range v.grad {
			v.grad[i] = float32(i%5) - 1.5
		}
		tape.back(0)
		return append([]float32(nil), tape.val(leaf.ID).grad...)
	}
	two := func(x model.Value) model.Value { return tape.Scale(x, 2, 0) }
	three := func(x model.Value) model.Value { return tape.Scale(x, 3, 0) }
	turned := func(x model.Value) model.Value { return tape.Rope(two(x), rope) }
	in := func(f func(x model.Value) model.Value) func(x model.Value) model.Value { // a layer
		return func(x model.Value) model.Value {
			return tape.Layer(func(_ model.Ops, _ *model.Batch, x model.Value) model.Value { return f(x) }, x)
		}
	}
	tape.record = true
	for name, c := range map[string]struct {
		all, one, other func(x model.Value) model.Value
	}{
		"used again": {func(x model.Value) model.Value {
			p := two(x)
			q := three(x)
			r := tape.Scale(p, 5, 0)
			return tape.Add(tape.Add(p, q), r)
		}, func(x model.Value) model.Value { return tape.Scale(x, 12, 0) }, three},
		"turned": {func(x model.Value) model.Value {
			p := three(x)
			return tape.Add(p, turned(x))
		}, turned, three},
		"turned, with the input": {func(x model.Value) model.Value { return tape.Add(x, turned(three(x))) },
			func(x model.Value) model.Value { return turned(three(x)) },
			func(x model.Value) model.Value { return tape.Scale(x, 1, 0) }},
		"turned first": {func(x model.Value) model.Value { return two(tape.Rope(x, rope)) },
			func(x model.Value) model.Value { return turned(three(x)) },
			func(x model.Value) model.Value { return tape.Scale(turned(x), -2, 0) }},
		"twice": {func(x model.Value) model.Value { return tape.Add(x, x) }, three,
			func(x model.Value) model.Value { return tape.Scale(x, -1, 0) }},
		"scaled last": {func(x model.Value) model.Value { y := two(x); return two(tape.Add(y, x)) },
			func(x model.Value) model.Value { return tape.Scale(x, 4, 0) }, two},
	} {
		one, other := gradient(c.one), gradient(c.other)
		for where, f := range map[string]func(x model.Value) model.Value{
			"alone": c.all, "in a layer": in(c.all),
			"in layers": func(x model.Value) model.Value {
				lower := in(func(x model.Value) model.Value { return tape.Scale(two(x), 0.5, 0) })
				return in(c.all)(lower(x))
			},
		} {
			for i, have := range gradient(f) {
				if want := one[i] + other[i]; math.Abs(float64(have-want)) > 1e-5 {
					t.Errorf("%s, %s: gradient %d is %v, want %v", name, where, i, have, want)
					break
				}
			}
		}
	}
}
