package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"graft/internal/kernel"
	"graft/internal/model"
)

// ErrDiverged is the end of a training whose steps have no finite gradients any more.
var ErrDiverged = errors.New("the training has diverged")

// maxSkips is how many steps in a row may be skipped for gradients that are not finite.
const maxSkips = 5

// Trainer fits an adapter to examples. It belongs to one goroutine.
type Trainer struct {
	model   *model.Model
	adapter *Adapter
	opts    Options
	tape    *Tape
	train   []Example
	valid   []Example
	beta    float64 // above 0: examples 2i and 2i+1 are a pair; see dpo.go
	windows windows
	total   int
	state   state
	best    [][]float32 // parameters of the best validation; nil: none yet
}

// state is where a training stands, but for the numbers of the parameters.
type state struct {
	Step      int     // steps done
	Updates   int     // of them, those that were not skipped
	Skips     int     // skipped in a row
	Targets   int     // targets trained on so far
	Validated int     // step of the last validation, plus one; 0: none
	Best      float64 // loss of the best validation
	BestStep  int
	Worse     int // validations since the best
	Stopped   bool
}

// Report is one step, or one validation.
type Report struct {
	Step     int     // steps done
	Total    int     // steps in all
	Epoch    float64 // epochs done
	Loss     float64 // mean over the targets by weight, in nats
	Accuracy float64 // share of targets that have the largest logit
	Targets  int
	Norm     float64 // of the gradient before it is cut
	Rate     float64 // learning rate
	// Skipped: the gradient was not finite and nothing was learnt.
	Skipped bool
	// Validation: the numbers are those of the validation set.
	Validation bool
	Best       bool // of all validations so far
}

// NewTrainer checks everything and is ready for the first step. pool's workers
// compute; valid may be empty.
func NewTrainer(pool *kernel.Pool, m *model.Model, a *Adapter, train, valid []Example, opts Options) (*Trainer, error) {
	return newTrainer(pool, m, a, train, valid, 0, opts)
}

func newTrainer(pool *kernel.Pool, m *model.Model, a *Adapter, train, valid []Example, beta float64, opts Options) (*Trainer, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	if len(train) == 0 {
		return nil, errors.New("there are no examples to train on")
	}
	t := &Trainer{model: m, adapter: a, opts: opts, tape: NewTape(pool, opts.Memory), train: train, valid: valid, beta: beta}
	t.tape.Keep, t.tape.Precision = opts.KeepBytes, opts.Precision
	t.tape.Between = func(ctx context.Context) error {
		if err := ctx.Err(); err != nil || opts.Between == nil {
			return err
		}
		return opts.Between(ctx)
	}
	t.windows = windows{fixed: opts.Windows, seed: opts.Seed, batch: opts.Batch, tokens: opts.BatchTokens, epoch: -1}
	for i := range train {
		if err := train[i].Check(m.Config.Vocab, m.Config.Context); err != nil {
			return nil, fmt.Errorf("training example %d: %w", i+1, err)
		}
		if beta > 0 && i%2 == 1 {
			t.windows.sizes[i/2] += train[i].used()
		} else {
			t.windows.sizes = append(t.windows.sizes, train[i].used())
		}
	}
	for i := range valid {
		if err := valid[i].Check(m.Config.Vocab, m.Config.Context); err != nil {
			return nil, fmt.Errorf("validation example %d: %w", i+1, err)
		}
	}
	for i, w := range opts.Windows {
		if len(w) == 0 || slices.Min(w) < 0 || slices.Max(w) >= len(t.windows.sizes) {
			return nil, fmt.Errorf("step %d is about examples %v of %d", i+1, w, len(t.windows.sizes))
		}
	}
	t.total = t.windows.steps(opts.Epochs)
	if opts.MaxSteps > 0 {
		t.total = min(t.total, opts.MaxSteps)
	}
	return t, nil
}

// Run trains to the end, from wherever the training stands. report is told of every
// step and validation; its error ends the run. So does that of ctx: the training then
// stands before the step that was under way, and another Run goes on from there.
func (t *Trainer) Run(ctx context.Context, report func(Report) error) error {
	for {
		if t.due() {
			r, err := t.Validate(ctx)
			if err == nil {
				err = report(r)
			}
			if err != nil {
				return err
			}
		}
		if t.Done() {
			return nil
		}
		r, err := t.Step(ctx)
		if err == nil {
			err = report(r)
		}
		if err != nil {
			return err
		}
	}
}

// Gradient computes what a step, counted from 0, would learn from, and changes nothing
// but Param.Grad: there is then the gradient of the mean loss, before it is cut.
func (t *Trainer) Gradient(ctx context.Context, step int) (Stats, error) {
	params := t.adapter.Params()
	eachParam(t.tape.pool, params, func(_ int, p *Param) { clear(p.Grad) })
	s, err := t.gradient(ctx, t.windows.at(step).examples, uint64(step))
	if err == nil {
		scaleGrads(t.tape.pool, params, 1/s.Weight)
	}
	return s, err
}

// Step learns from the next window of examples.
func (t *Trainer) Step(ctx context.Context) (Report, error) {
	step, params := t.state.Step, t.adapter.Params()
	s, err := t.Gradient(ctx, step)
	if err != nil {
		return Report{}, err // nothing has changed
	}
	r := Report{
		Step: step + 1, Total: t.total, Loss: s.Mean(), Accuracy: s.Accuracy(), Targets: s.Tokens, Norm: norm(t.tape.pool, params),
		Epoch: t.windows.at(step).done,
		Rate:  t.opts.LearningRate * t.opts.Schedule.factor(step, t.opts.Warmup, t.total),
	}
	t.state.Step++
	t.state.Targets += s.Tokens
	if r.Skipped = !finite(r.Norm) || !finite(r.Loss); r.Skipped {
		if t.state.Skips++; t.state.Skips >= maxSkips {
			return r, fmt.Errorf("%w: %d steps in a row had a gradient that is not finite; the last loss is %v (try a lower learning rate than %g)", ErrDiverged, maxSkips, r.Loss, t.opts.LearningRate)
		}
		return r, nil
	}
	t.state.Skips = 0
	t.state.Updates++
	if c := t.opts.Clip; c > 0 && r.Norm > c {
		scaleGrads(t.tape.pool, params, c/(r.Norm+1e-6)) // as torch's clip_grad_norm_
	}
	modules := t.adapter.Modules
	t.tape.pool.Run(len(modules), piece(func(i int) {
		m := modules[i]
		t.opts.AdamW.update(m.A, r.Rate, t.state.Updates)
		t.opts.AdamW.update(m.B, r.Rate*t.opts.RatioB, t.state.Updates)
		if m.M != nil {
			t.opts.AdamW.update(m.M, r.Rate, t.state.Updates)
		}
	}))
	return r, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// gradient adds up the gradients of some examples, as many at a time as there may be
// tokens.
func (t *Trainer) gradient(ctx context.Context, examples []int, step uint64) (s Stats, err error) {
	if t.beta > 0 {
		return t.pairs(ctx, t.train, examples, step, true)
	}
	var b micro
	for pass := uint64(0); len(examples) > 0; pass++ {
		b.reset()
		for len(examples) > 0 {
			e := t.train[examples[0]]
			if len(b.IDs) > 0 && len(b.IDs)+e.used() > t.opts.MicroTokens {
				break
			}
			b.add(t.weighed(e))
			examples = examples[1:]
		}
		p := Pass{Adapter: t.adapter, Train: true, Number: keyOf(t.opts.Seed, "pass", step, pass)}
		if err := t.tape.Forward(ctx, t.model, &b.Batch, p); err != nil {
			return s, err
		}
		part, err := t.tape.Backward(b.targets, b.weights)
		if err != nil {
			return s, err
		}
		s.Add(part)
	}
	return s, nil
}

// weighed is the example with the weights that its targets have in the loss.
func (t *Trainer) weighed(e Example) Example {
	if !t.opts.PerExample {
		return e
	}
	sum := 0.0
	for _, w := range e.Weights {
		sum += float64(w)
	}
	even := Example{IDs: e.IDs, Targets: e.Targets, Weights: make([]float32, len(e.Weights))}
	for i, w := range e.Weights {
		even.Weights[i] = float32(float64(w) / sum)
	}
	return even
}
