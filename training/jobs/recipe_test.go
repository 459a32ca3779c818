package jobs

import (
	"strings"
	"testing"

	"graft/internal/model"
	"graft/training"
)

// TestEpochs: as OpenAI's cookbook counts (examples/Chat_finetuning_data_prep.ipynb).
func TestEpochs(t *testing.T) {
	for examples, want := range map[int]int{1: 25, 3: 25, 4: 25, 10: 10, 33: 3, 34: 3, 100: 3, 8333: 3, 8334: 2, 12500: 2, 12501: 1, 30000: 1} {
		if got, _ := autoEpochs(examples); got != want {
			t.Errorf("%d examples: %d epochs, want %d", examples, got, want)
		}
	}
}

// TestResolve: what the recipes choose for a model and data, and that what is asked for
// comes first.
func TestResolve(t *testing.T) {
	m := newLender(t).m
	resolved := func(q Spec, d data) *settings {
		t.Helper()
		q.Method, q.Seed = Supervised, pointer(int64(1))
		s, err := resolve(&q, m, d)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	d := data{examples: 500, targets: 60000, valid: true}
	if s := resolved(Spec{}, d); s.plan.Recipe != Auto {
		t.Errorf("the recipe is %s when none is asked for", s.plan.Recipe)
	}
	s := resolved(Spec{Settings: Settings{Recipe: Classic}}, d)
	if len(s.targets) != 4 || s.rank != 16 || s.alpha != 16 || s.dropout != 0.05 || s.options.LearningRate != 2e-4 || s.options.Schedule != training.Cosine ||
		s.hyper != (Hyper{Epochs: 3, Batch: 8, RateMultiplier: 1}) || s.options.Warmup != 5 || s.options.Patience != 2 || s.plan.Recipe != Classic {
		t.Errorf("classic: %+v", s)
	}
	s = resolved(Spec{Settings: Settings{Recipe: Auto}}, d)
	if s.targets[0] != "all-linear" || s.alpha != 32 || s.dropout != 0.1 || s.options.LearningRate != 2.5e-4 || s.rank != wantRank(m, 60000) {
		t.Errorf("auto: %+v", s)
	}
	if s = resolved(Spec{Settings: Settings{Recipe: Auto}}, data{examples: 20000, targets: 100}); s.dropout != 0 || s.rank != 8 || s.hyper.Epochs != 1 || s.hyper.Batch != 16 {
		t.Errorf("auto, many examples: %+v", s)
	}
	q := Spec{Hyper: Hyper{Epochs: 7, Batch: 3, RateMultiplier: 2}}
	q.Settings = Settings{Recipe: Classic, Rank: pointer(5), Alpha: pointer(9.0), Dropout: pointer(0.0), Targets: []string{"q_proj"}, Schedule: "linear", Warmup: pointer(0), Accumulation: pointer(4), Clip: pointer(0.0), Packing: pointer(false), Patience: pointer(0)}
	s = resolved(q, d)
	o := s.options
	if s.rank != 5 || s.alpha != 9 || s.dropout != 0 || s.targets[0] != "q_proj" || o.LearningRate != 4e-4 || o.Batch != 12 || o.Clip != 0 || o.MicroTokens != 1 || o.Warmup != 0 || o.Patience != 0 || o.Epochs != 7 || s.hyper.Batch != 3 {
		t.Errorf("as asked for: %+v", s)
	}
	for _, c := range s.plan.Choices {
		if c.Why == "" {
			t.Errorf("%s has no reason", c.Name)
		}
	}
}

// TestAutoRate: the sweep's own rates at its batch, by the sizes of its models; a
// sixteenth of the batch takes a quarter of the rate.
func TestAutoRate(t *testing.T) {
	for _, c := range []struct {
		params int64
		batch  int
		want   float64
	}{
		{1_235_814_400, 128, 1e-3}, // Llama 3.2 1B
		{4_022_468_096, 128, 1e-3}, // Qwen 3 4B
		{8_030_261_248, 128, 3e-4}, // Llama 3.1 8B
		{134_515_008, 8, 2.5e-4},
		{134_515_008, 256, 1e-3}, // larger steps were not tried
	} {
		if rate, why := autoRate(c.params, c.batch); rate != c.want || !strings.Contains(why, "sweep") {
			t.Errorf("%d parameters, steps of %d: %v (%s), want %v", c.params, c.batch, rate, why, c.want)
		}
	}
}

// wantRank counts parameters by making adapters.
func wantRank(m *model.Model, targets int) int {
	for rank := 8; ; rank *= 2 {
		paths, err := training.Targets(m, []string{"all-linear"})
		if err != nil {
			panic(err)
		}
		var specs []training.ModuleSpec
		for _, p := range paths {
			specs = append(specs, training.ModuleSpec{Path: p, Rank: rank, Alpha: 1})
		}
		a, err := training.NewAdapter(m, specs, 0, 1)
		if err != nil {
			panic(err)
		}
		if a.Size() >= targets || rank == 128 {
			return rank
		}
	}
}
