package training

import (
	"context"
	"fmt"
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
	for _, c := range []struct {
		keep      int64
		dropout   float32
		precision kernel.Precision
	}{{384 << 20, 0, kernel.Full}, {384 << 20, 0, kernel.Split}, {384 << 20, 0, kernel.Half}, {0, 0, kernel.Full}, {0, 0, kernel.Split}, {384 << 20, 0.05, kernel.Split}} {
		b.Run(fmt.Sprintf("keep%dMB/dropout%v/%v", c.keep>>20, c.dropout, c.precision), func(b *testing.B) {
			tr := stepOf(b, pool, m, 4, 256, c.dropout, func(o *Options) { o.KeepBytes, o.Precision = c.keep, c.precision })
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
