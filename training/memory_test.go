package training

import (
	"context"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/internal/model"
)

// stepOf is a training of rank 16 on q, k, v and o, each step about all rows of tokens.
func stepOf(t testing.TB, pool *kernel.Pool, m *model.Model, rows, tokens int, dropout float32, change func(*Options)) *Trainer {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	var examples []Example
	var all []int
	for i := range rows {
		e := Example{IDs: make([]int32, tokens+1), Weights: make([]float32, tokens+1)}
		for k := range e.IDs {
			e.IDs[k] = rng.Int32N(int32(m.Config.Vocab))
			if k > 0 {
				e.Weights[k] = 1
			}
		}
		examples, all = append(examples, e), append(all, i)
	}
	paths, err := Targets(m, []string{"q_proj", "k_proj", "v_proj", "o_proj"})
	if err != nil {
		t.Fatal(err)
	}
	var specs []ModuleSpec
	for _, p := range paths {
		specs = append(specs, ModuleSpec{Path: p, Rank: 16, Alpha: 16})
	}
	a, err := NewAdapter(m, specs, dropout, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Windows, o.Epochs = slices.Repeat([][]int{all}, 1<<10), 1
	if change != nil {
		change(&o)
	}
	tr, err := NewTrainer(pool, m, a, examples, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// What a step takes beside SmolLM2-135M, by counting what there is: with 4 x 256 tokens,
// computed 512 at a time,
//
//	kept of 30 layers: input; q, k, v, attention, o; gate, up    30 x 512 x 5760 x 4 = 354 MB
//	values and gradients of a layer, or logits of 180 rows                            35 MB
//	embeddings, last norm, gradients between layers                              below 10 MB
//	1.84 million parameters: number, gradient, two moments                            29 MB
//
// It must not be more, and what the probe says before is what is then measured.
func TestMemoryOfStep(t *testing.T) {
	m, err := model.Load(hubtest.Model(t, "smollm2-135m-instruct"), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	pool := kernel.NewPool(2)
	defer pool.Close()
	for precision, most := range map[kernel.Precision]int64{kernel.Full: 430e6, kernel.Split: 480e6} { // Split lays out logits twice
		t.Run(precision.String(), func(t *testing.T) {
			debug.FreeOSMemory() // else what is garbage now may go meanwhile
			before := resident(t)
			tr := stepOf(t, pool, m, 4, 256, 0, func(o *Options) { o.Precision = precision })
			p, err := tr.Probe(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tr.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
			have, after := tr.Bytes(), resident(t)
			t.Logf("a step takes %d MB; the probe said %d MB, the system says %d MB", have/1e6, p.Bytes/1e6, (after-before)/1e6)
			if have < 380e6 || have > most {
				t.Errorf("a step takes %d MB beside the base, want 380 to %d", have/1e6, most/1e6)
			}
			if p.Bytes != have {
				t.Errorf("the probe said %d bytes, and the step took %d", p.Bytes, have)
			}
			mapped := tr.tape.work.bytes() + tr.tape.keep.bytes()
			tr.tape.mem.Release()
			if after == 0 {
				return // not known here
			}
			if more := after - before - have; more < -40e6 || more > 60e6 { // garbage is part of it, of the one before too
				t.Errorf("%d MB more are resident, and %d MB are counted", (after-before)/1e6, have/1e6)
			}
			if less := after - resident(t); less < mapped-8e6 {
				t.Errorf("%d MB of %d MB went back to the system", less/1e6, mapped/1e6)
			}
		})
	}
}

// A probe computes what fills a pass best, never more examples than a step has.
func TestLargest(t *testing.T) {
	for _, c := range []struct {
		sizes  []int
		micro  int
		batch  int
		tokens int
	}{
		{[]int{100, 300, 212, 300}, 512, 8, 512},
		{[]int{100, 300, 212, 300}, 512, 1, 300},
		{[]int{100, 900, 12}, 512, 8, 900},
		{[]int{7}, 1, 8, 7},
	} {
		tr := &Trainer{opts: Options{MicroTokens: c.micro, Batch: c.batch}, windows: windows{sizes: c.sizes}}
		examples, have := tr.largest()
		sum := 0
		for _, i := range examples {
			sum += c.sizes[i]
		}
		if have != c.tokens || sum != have || len(examples) > c.batch {
			t.Errorf("%+v: examples %v of %d tokens", c, examples, have)
		}
	}
}

// Logits are computed in parts that are about the same, in whole tiles of rows.
func TestLogitRows(t *testing.T) {
	for _, c := range [][3]int{{512, 49152, 180}, {100, 49152, 108}, {193, 49152, 108}, {1, 49152, 12}, {512, 262144, 36}, {512, 1 << 24, 12}} {
		if have := logitRows(c[0], c[1]); have != c[2] {
			t.Errorf("%d rows of %d logits: %d at a time, want %d", c[0], c[1], have, c[2])
		}
	}
}
