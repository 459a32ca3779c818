package training

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/internal/model"
)

// benchWorkers is all cores, or what GRAFT_BENCH_WORKERS says.
func benchWorkers() int {
	n, _ := strconv.Atoi(os.Getenv("GRAFT_BENCH_WORKERS"))
	return n
}

// BenchmarkStep is a step on SmolLM2-135M in Q4_1: rank 16 on q, k, v and o, four
// sequences of 256 tokens, each a target. bench/training/step.py is the same in PEFT.
func BenchmarkStep(b *testing.B) {
	m, err := model.Load(hubtest.Model(b, "smollm2-135m-instruct"), model.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	pool := kernel.NewPool(benchWorkers())
	defer pool.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	var examples []Example
	for range 4 {
		e := Example{IDs: make([]int32, 257), Weights: make([]float32, 257)}
		for i := range e.IDs {
			e.IDs[i] = int32(rng.IntN(m.Config.Vocab))
			if i > 0 {
				e.Weights[i] = 1
			}
		}
		examples = append(examples, e)
	}
	paths, err := Targets(m, []string{"q_proj", "k_proj", "v_proj", "o_proj"})
	if err != nil {
		b.Fatal(err)
	}
	var specs []ModuleSpec
	for _, p := range paths {
		specs = append(specs, ModuleSpec{Path: p, Rank: 16, Alpha: 16})
	}
	for _, c := range []struct {
		keep      int64
		dropout   float32
		precision kernel.Precision
	}{{2 << 30, 0, kernel.Full}, {2 << 30, 0, kernel.Split}, {2 << 30, 0, kernel.Half}, {384 << 20, 0, kernel.Split}, {0, 0, kernel.Full}, {0, 0, kernel.Split}, {2 << 30, 0.05, kernel.Split}} {
		b.Run(fmt.Sprintf("keep%dMB/dropout%v/%v", c.keep>>20, c.dropout, c.precision), func(b *testing.B) {
			a, err := NewAdapter(m, specs, c.dropout, 1)
			if err != nil {
				b.Fatal(err)
			}
			opts := DefaultOptions()
			opts.KeepBytes, opts.Precision = c.keep, c.precision
			opts.Windows = make([][]int, 1<<10)
			for i := range opts.Windows {
				opts.Windows[i] = []int{0, 1, 2, 3}
			}
			tr, err := NewTrainer(pool, m, a, examples, nil, opts)
			if err != nil {
				b.Fatal(err)
			}
			before := cpuSeconds()
			for b.Loop() {
				if _, err := tr.Step(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(1024*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(1024*float64(b.N)/(cpuSeconds()-before), "tokens/cpu-s")
			b.ReportMetric(float64(tr.Bytes())/(1<<20), "MB")
		})
	}
}
