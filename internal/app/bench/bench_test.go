package bench

import (
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/internal/kernel"
	"graft/serving/native"
)

func TestSummary(t *testing.T) {
	rates := summary("x", []sample{{tokens: 10, seconds: 1}, {tokens: 10, seconds: 2, cpu: 3, bytes: 7}, {tokens: 10, seconds: 4}})
	if want := (Result{Name: "x", TokensPerSecond: 5, Fastest: 10, Slowest: 2.5, Spread: 1.5, Rounds: 3, Bytes: 7}); rates != want {
		t.Errorf("rates: %+v, want %+v", rates, want)
	}
	times := summary("y", []sample{{seconds: 1}, {seconds: 3}})
	if want := (Result{Name: "y", Seconds: 2, Fastest: 1, Slowest: 3, Spread: 1, Rounds: 2}); times != want {
		t.Errorf("times: %+v, want %+v", times, want)
	}
}

// TestRun runs every case on a model of the size of a test.
func TestRun(t *testing.T) {
	e := native.DefaultOptions()
	e.Threads, e.CacheBytes, e.CacheType = 2, 64<<20, kernel.F16
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := MakeModel(path, Shape{Width: 256, Layers: 2, Heads: 4, KVHeads: 2, HeadWidth: 64, FFN: 512, Vocab: 512, Context: 512}); err != nil {
		t.Fatal(err)
	}
	rounds := 0
	o := Options{Engine: e, Model: path, Name: "tiny", Rounds: 2, Tokens: 4, Prompt: 32, Progress: func(int, int) { rounds++ }}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range r.Results {
		names = append(names, x.Name)
		if v := x.TokensPerSecond + x.Seconds; !(v > 0) || x.Fastest == x.Slowest || x.Rounds != 2 {
			t.Errorf("%+v", x)
		}
	}
	want := []string{"decode", "prefill", "concurrent", "adapters: one stream, base", "adapters: one stream, one adapter",
		"adapters: eight streams, one adapter", "adapters: eight streams, eight adapters", "load to first token", "train, float32", "train, bf16x2", "train, bf16"}
	if !slices.Equal(names, want) {
		t.Errorf("measured %q, want %q", names, want)
	}
	if rounds != 3 || r.ISA == "" || r.Threads != 2 || r.Model != "tiny" || !r.Exact {
		t.Errorf("%d rounds told of, %+v", rounds, r)
	}

	// 589,824 weights in each of the two layers, 131,072 in the head, in Q4_K (144 bytes
	// for 256) and Q6_K (210). 65,536 in o_proj and 393,216 after it.
	work := &Work{WeightBytes: 2*589824*144/256 + 131072*210/256, LayerOps: 2 * 2 * 589824, LastOps: 2 * (65536 + 393216), HeadOps: 2 * 131072, KVBytes: 2 * 2 * 64 * 2, AttendOps: 4 * 4 * 64, Windows: []int{0, 0}}
	if diff := cmp.Diff(work, r.Work); diff != "" {
		t.Error("work of the model (-want +got)\n", diff)
	}
	if runtime.GOOS == "linux" && (r.Peak < r.Work.WeightBytes || r.Peak > 16<<30) {
		t.Errorf("the process held %d bytes", r.Peak)
	}

	o.Cases, o.Depth, o.Rows, o.Length, o.Precisions = []string{"decode", "train"}, 100, 1, 8, []kernel.Precision{kernel.Half}
	if r, err = Run(t.Context(), o); err != nil || len(r.Results) != 2 || r.Results[1].Name != "train, bf16" {
		t.Errorf("a step of one row of 8 tokens in bf16: %+v, %v", r, err)
	}

	o.Cases = []string{"decode", "speed"}
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), `no case "speed"`) {
		t.Errorf("a case that there is not: %v", err)
	}
	o.Cases = nil
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(stopped, o); err == nil {
		t.Error("a run that is told to stop goes on")
	}
}
