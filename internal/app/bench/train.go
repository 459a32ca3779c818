package bench

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/training"
)

// train measures steps as BenchmarkStep in training does, of four rows of 256 tokens if
// nothing else is asked for.
func (b *bench) train(context.Context) ([]measurement, error) {
	m, err := model.Load(b.Model, model.Options{Workers: b.Engine.Threads})
	if err != nil {
		return nil, err
	}
	pool := kernel.NewPool(b.Engine.Threads)
	b.closers = append(b.closers, func() { _ = m.Close() }, pool.Close) // it was only read
	b.learn(m)
	rows, length, precisions := cmp.Or(b.Rows, 4), cmp.Or(b.Length, 256), b.Precisions
	if len(precisions) == 0 {
		precisions = []kernel.Precision{kernel.Full, kernel.Split, kernel.Half}
	}
	paths, err := training.Targets(m, targets)
	if err != nil {
		return nil, err
	}
	var specs []training.ModuleSpec
	for _, p := range paths {
		specs = append(specs, training.ModuleSpec{Path: p, Rank: rank, Alpha: rank})
	}
	examples := make([]training.Example, rows)
	for i := range examples {
		e := training.Example{IDs: make([]int32, length+1), Weights: make([]float32, length+1)}
		for t := range e.IDs {
			e.IDs[t] = rand.Int32N(int32(b.vocab))
			if t > 0 {
				e.Weights[t] = 1
			}
		}
		examples[i] = e
	}
	var all []measurement
	memory := training.NewMemory() // they take turns, on one adapter: the peak is that of one training
	b.closers = append(b.closers, memory.Release)
	a, err := training.NewAdapter(m, specs, 0, 1)
	if err != nil {
		return nil, err
	}
	for _, precision := range precisions {
		o := training.DefaultOptions()
		o.Precision, o.Memory = precision, memory
		o.Windows = make([][]int, b.Rounds+1)
		for i := range o.Windows {
			for row := range rows {
				o.Windows[i] = append(o.Windows[i], row)
			}
		}
		o.Epochs = 1
		t, err := training.NewTrainer(pool, m, a, examples, nil, o)
		if err != nil {
			return nil, err
		}
		name := "train, " + precision.String()
		all = append(all, measurement{name, func(ctx context.Context) (sample, error) {
			start := time.Now()
			_, err := t.Step(ctx)
			return sample{tokens: rows * length, seconds: time.Since(start).Seconds(), bytes: t.Bytes()}, err
		}})
	}
	return all, nil
}
