package bench

import (
	"context"
	"math/rand/v2"
	"time"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/training"
)

const trainRows, trainTokens = 4, 256

// train measures steps as BenchmarkStep in training does.
func (b *bench) train(context.Context) ([]measurement, error) {
	m, err := model.Load(b.Model, model.Options{Workers: b.Engine.Threads})
	if err != nil {
		return nil, err
	}
	pool := kernel.NewPool(b.Engine.Threads)
	b.closers = append(b.closers, func() { _ = m.Close() }, pool.Close) // it was only read
	b.vocab = m.Config.Vocab
	paths, err := training.Targets(m, targets)
	if err != nil {
		return nil, err
	}
	var specs []training.ModuleSpec
	for _, p := range paths {
		specs = append(specs, training.ModuleSpec{Path: p, Rank: rank, Alpha: rank})
	}
	examples := make([]training.Example, trainRows)
	for i := range examples {
		e := training.Example{IDs: make([]int32, trainTokens+1), Weights: make([]float32, trainTokens+1)}
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
	for _, precision := range []kernel.Precision{kernel.Full, kernel.Split, kernel.Half} {
		o := training.DefaultOptions()
		o.Precision, o.Memory = precision, memory
		o.Windows = make([][]int, b.Rounds+1)
		for i := range o.Windows {
			o.Windows[i] = []int{0, 1, 2, 3}
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
			return sample{tokens: trainRows * trainTokens, seconds: time.Since(start).Seconds(), bytes: t.Bytes()}, err
		}})
	}
	return all, nil
}
