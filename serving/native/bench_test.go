package native

import (
	"fmt"
	"sync"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/serving"
)

// BenchmarkGenerate is the whole way of n answers of 64 tokens each, at once.
func BenchmarkGenerate(b *testing.B) {
	o := DefaultOptions()
	o.Speculate = false // the same answers come again and again
	o.Models = []Source{{Info: serving.Model{ID: "m"}, Open: at(hubtest.Model(b, "smollm2-135m-instruct"))}}
	backend := newBackend(b, o)
	if err := backend.Load(b.Context(), ""); err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 8} {
		for _, temperature := range []float32{0, 0.8} {
			b.Run(fmt.Sprintf("streams=%d/temperature=%v", n, temperature), func(b *testing.B) {
				tokens := 0
				for b.Loop() {
					var wg sync.WaitGroup
					for range n {
						wg.Go(func() {
							req := greedy("m")
							req.Sampling.Temperature = temperature
							req.Prompt, req.MaxTokens, req.IgnoreEOS, req.Logprobs = "Once upon a time", 64, true, -1
							mustGenerate(b, backend, req)
						})
					}
					wg.Wait()
					tokens += 64 * n
				}
				b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	}
}
