package training

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
)

// Every example comes once in an epoch, in an order of the epoch's own; the last
// window may be smaller; looking back changes nothing.
func TestWindows(t *testing.T) {
	sizes := []int{5, 3, 9, 1, 1, 7, 2, 8, 4, 6}
	for _, c := range []struct{ batch, tokens int }{{1, 0}, {3, 0}, {10, 0}, {50, 0}, {0, 10}, {0, 4}, {0, 1000}} {
		w := windows{sizes: sizes, seed: 5, batch: c.batch, tokens: c.tokens, epoch: -1}
		total := w.steps(3)
		var orders [3][]int
		for step := range total {
			at := w.at(step)
			if w.at(0).epoch != 0 || !slices.Equal(w.at(step).examples, at.examples) {
				t.Fatalf("%+v: step %d is not the same again", c, step)
			}
			orders[at.epoch] = append(orders[at.epoch], at.examples...)
			sum := 0
			for _, e := range at.examples {
				sum += sizes[e]
			}
			if c.tokens > 0 && sum > c.tokens && len(at.examples) > 1 || c.tokens == 0 && len(at.examples) > c.batch || len(at.examples) == 0 {
				t.Errorf("%+v: step %d has examples %v of %d tokens", c, step, at.examples, sum)
			}
			if full := len(orders[at.epoch]) == len(sizes); at.last != full || full != (at.done == float64(at.epoch+1)) {
				t.Errorf("%+v: step %d is the last: %v, %v epochs done", c, step, at.last, at.done)
			}
		}
		for e, o := range orders {
			if slices.Equal(o, orders[(e+1)%3]) {
				t.Errorf("%+v: epochs have the order %v", c, o)
			}
			o = slices.Sorted(slices.Values(o))
			if !slices.Equal(o, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
				t.Errorf("%+v: epoch %d has the examples %v", c, e, o)
			}
		}
	}
	if w := (windows{sizes: sizes, batch: 4, epoch: -1}); w.steps(2) != 6 {
		t.Errorf("%d steps of up to 4 in two epochs of 10 examples, want 6", w.steps(2))
	}
}

// Each schedule learns in every step, is at its full rate after the warm-up, and comes
// near 0; transformers gives the values after the warm-up.
func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		s             Schedule
		step, of, all int
		want          float64
	}{
		{Constant, 0, 0, 10, 1}, {Constant, 9, 0, 10, 1}, {Constant, 0, 4, 10, 0.25}, {Constant, 3, 4, 10, 1},
		// get_cosine_schedule_with_warmup(o, 2, 10) and …linear… after 2, 6 and 9 steps
		{Cosine, 2, 2, 10, 1}, {Cosine, 6, 2, 10, 0.5}, {Cosine, 9, 2, 10, 0.03806023374435663},
		{Linear, 2, 2, 10, 1}, {Linear, 6, 2, 10, 0.5}, {Linear, 9, 2, 10, 0.125},
		{Cosine, 0, 2, 10, 0.5}, {Linear, 1, 2, 10, 1}, {Cosine, 0, 1, 1, 1}, {Linear, 0, 0, 1, 1}, {Cosine, 2, 5, 3, 0.6},
	} {
		if have := c.s.factor(c.step, c.of, c.all); math.Abs(have-c.want) > 1e-12 {
			t.Errorf("%s, step %d of %d after a warm-up of %d: %v, want %v", c.s, c.step, c.all, c.of, have, c.want)
		}
	}
}

func TestOptionsCheck(t *testing.T) {
	if o := DefaultOptions(); o.Check() != nil {
		t.Errorf("the defaults: %v", o.Check())
	}
	for want, change := range map[string]func(o *Options){
		"learning rate":  func(o *Options) { o.LearningRate = math.NaN() },
		"ratio":          func(o *Options) { o.RatioB = 0 },
		"warm-up":        func(o *Options) { o.Warmup = -1 },
		"betas":          func(o *Options) { o.AdamW.Beta2 = 1 },
		"epsilon":        func(o *Options) { o.AdamW.Eps = 0 },
		"weight decay":   func(o *Options) { o.AdamW.Decay = 1e9 },
		"cut to":         func(o *Options) { o.Clip = -1 },
		"epochs":         func(o *Options) { o.Epochs = 0 },
		"0 examples":     func(o *Options) { o.Batch = 0 },
		"tokens are":     func(o *Options) { o.MicroTokens = 0 },
		"patience":       func(o *Options) { o.Patience = -1 },
		"bytes are kept": func(o *Options) { o.KeepBytes = -1 },
		`"step" is not`:  func(o *Options) { o.Schedule = "step" },
	} {
		o := DefaultOptions()
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestExampleCheck(t *testing.T) {
	for want, e := range map[string]Example{
		"2 tokens with 1":    {IDs: []int32{1, 2}, Weights: []float32{0}},
		"the model takes 4":  {IDs: make([]int32, 5), Weights: make([]float32, 5)},
		"token 1 is 9":       {IDs: []int32{1, 9}, Weights: []float32{0, 1}},
		"token 0 is -1":      {IDs: []int32{-1, 2}, Weights: []float32{0, 1}},
		"of token 1 is NaN":  {IDs: []int32{1, 2}, Weights: []float32{0, float32(math.NaN())}},
		"of token 1 is -1":   {IDs: []int32{1, 2}, Weights: []float32{0, -1}},
		"of the first token": {IDs: []int32{1, 2}, Weights: []float32{1, 1}},
		"no token is":        {IDs: []int32{1, 2}, Weights: []float32{0, 0}},
	} {
		if err := e.Check(9, 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	good := Example{IDs: []int32{1, 2, 3, 4}, Weights: []float32{0, 1, 0.5, 0}}
	if err := good.Check(9, 4); err != nil || good.used() != 2 {
		t.Errorf("a good example: %v, %d tokens are computed, want 2", err, good.used())
	}
}

// What is computed of an example is what its targets depend on: cutting the rest off
// changes nothing, and a weight for all targets counts for nothing but the mean.
func TestPerExample(t *testing.T) {
	run := func(change func(tr *Trainer)) Stats {
		tr := practice(t, 1, func(o *Options) { o.Windows, o.PerExample = [][]int{{0, 1}}, true })
		tr.adapter.Dropout = 0
		change(tr)
		s, err := tr.Gradient(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one := run(func(*Trainer) {})
	double := run(func(tr *Trainer) {
		tr.train[0].Weights = slices.Clone(tr.train[0].Weights)
		for i := range tr.train[0].Weights {
			tr.train[0].Weights[i] *= 2
		}
	})
	if math.Abs(one.Weight-2) > 1e-6 || math.Abs(one.Mean()-double.Mean()) > 1e-6 {
		t.Errorf("two examples count %v; losses are %v, and %v with double weights", one.Weight, one.Mean(), double.Mean())
	}
}

// LoRA+ moves B further than A, by the ratio: AdamW's first step is the rate itself.
func TestRatioB(t *testing.T) {
	tr := practice(t, 1, func(o *Options) { o.RatioB, o.Schedule, o.Warmup, o.LearningRate = 16, Constant, 0, 1e-3 })
	for _, mod := range tr.adapter.Modules {
		fillNormal(mod.B.Data, keyOf(1, mod.Path), 0.1)
	}
	mod := tr.adapter.Modules[0]
	a, b := slices.Clone(mod.A.Data), slices.Clone(mod.B.Data)
	if _, err := tr.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	far := func(x, y []float32) (d float64) {
		for i := range x {
			d = max(d, math.Abs(float64(x[i]-y[i])))
		}
		return d
	}
	if da, db := far(a, mod.A.Data), far(b, mod.B.Data); math.Abs(da-1e-3) > 1e-5 || math.Abs(db-16e-3) > 1e-5 {
		t.Errorf("A moved by %v and B by %v, want 0.001 and 0.016", da, db)
	}
}
