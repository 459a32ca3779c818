package native

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"graft/internal/model"
	"graft/serving"
)

// vectorOf is what a fakeRunner makes of a text, by the plainest means.
func vectorOf(f *fakeRunner, ids []int32) []float32 {
	p := f.NewPooler()
	var rows []float32
	for i := range ids {
		rows = f.logits(rows, ids[:i+1], 8)
	}
	p.Add(model.Value{Data: rows, Rows: len(ids), Width: 8}, &model.Segment{Len: len(ids)})
	v := make([]float32, 8)
	p.Vector(v)
	return v
}

// Vectors are what they are alone, in any passes, while answers are being
// written beside them and blocks are short.
func TestEmbeddings(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 5))
	for _, rows := range []int{3, 10, 200} {
		r := newRig(t, rigOptions{blocks: 22, size: 4, policy: policy{rows: rows, mixedRows: rows, logits: 8, running: 6, queue: 100}})
		r.run.before = func(*model.Batch) { time.Sleep(100 * time.Microsecond) } // so that all are there together
		var wg sync.WaitGroup
		for range 6 {
			var inputs [][]int32
			for range 1 + rnd.IntN(8) {
				ids := make([]int32, 1+rnd.IntN(60))
				for i := range ids {
					ids[i] = int32(rnd.IntN(30))
				}
				inputs = append(inputs, ids)
			}
			a := randomAsk(rnd)
			a.score, a.prompt, a.max = false, a.prompt[:min(len(a.prompt), 20)], min(a.max, 10)
			wg.Go(func() {
				x := &embedding{ctx: t.Context(), inputs: inputs, done: make(chan struct{})}
				if err := r.engine.embed(x); err != nil {
					t.Error(err)
					return
				}
				for i, v := range x.vectors {
					if want := vectorOf(r.run, inputs[i]); !slices.Equal(v, want) {
						t.Errorf("passes of %d, input %d of %d: %v, want %v", rows, i, len(inputs), v, want)
					}
				}
			})
			wg.Go(func() {
				got, err := r.do(t.Context(), a, nil)
				if err != nil || !slices.Equal(got.Text, alone(r.run, a).Text) {
					t.Errorf("an answer beside embeddings: %v, %+v", err, got)
				}
			})
		}
		wg.Wait()
		waitFor(t, "the blocks to come back", func() bool { return r.engine.Stats().BlocksUsed == 0 })
	}
}

func TestEmbeddingCancelAndErrors(t *testing.T) {
	r := newRig(t, rigOptions{policy: policy{rows: 4, mixedRows: 4, logits: 4, running: 2, queue: 4}})
	r.run.before = func(*model.Batch) { time.Sleep(time.Millisecond) }
	many := make([][]int32, 500)
	for i := range many {
		many[i] = ids("some text that takes several passes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	x := &embedding{ctx: ctx, inputs: many, done: make(chan struct{})}
	if err := r.engine.embed(x); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %v", err, context.DeadlineExceeded)
	}
	waitFor(t, "the blocks to come back", func() bool { return r.engine.Stats().BlocksUsed == 0 })

	r.run.change(func() { r.run.panics = 35 })
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			x := &embedding{ctx: t.Context(), inputs: [][]int32{{1, 2, 3, 4, 5, int32(34 + i)}}, done: make(chan struct{})}
			err := r.engine.embed(x)
			var p *PanicError
			if errors.As(err, &p) != (i == 1) || (err == nil) != (i == 0) {
				t.Errorf("input %d: %v", i, fmt.Sprint(err)[:min(80, len(fmt.Sprint(err)))])
			}
		})
	}
	wg.Wait()

	gate := make(chan struct{})
	r.run.change(func() { r.run.before = func(*model.Batch) { <-gate } })
	results := make(chan error, 6)
	for range 6 {
		go func() {
			results <- r.engine.embed(&embedding{ctx: context.Background(), inputs: [][]int32{{1}}, done: make(chan struct{})})
		}()
	}
	time.Sleep(20 * time.Millisecond)
	close(gate)
	for range 6 {
		if err := <-results; err != nil && !errors.Is(err, serving.ErrOverloaded) {
			t.Error(err)
		}
	}
}
