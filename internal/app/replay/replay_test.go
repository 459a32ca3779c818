package replay

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/adapters"
	"graft/internal/weights"
)

// cases are those that reference/replay.py has trained with PEFT, and the models they are of.
var cases = map[string]string{
	"lora": "llama", "lora-left": "qwen2", "rslora": "gemma3", "dora": "qwen3", "fused": "phi3", "window": "mistral", "softcap": "gemma2",
}

// caseOf is a case of testdata.
func caseOf(t *testing.T, name string) Files {
	return filesOf(t, filepath.Join("testdata", name), filepath.Join("..", "..", "model", "testdata", cases[name]))
}

// filesOf are the files of a folder that reference/replay.py wrote.
func filesOf(t *testing.T, in, model string) Files {
	out := t.TempDir()
	return Files{
		Model: model, Init: filepath.Join(in, "init"),
		Config: filepath.Join(in, "config.json"), Batches: filepath.Join(in, "batches.json"),
		Losses: filepath.Join(out, "losses.json"), Grads: filepath.Join(out, "grads.safetensors"), Final: filepath.Join(out, "final"),
	}
}

// apart is the distance of two tensors over the length of the second.
func apart(have, want []float32) float64 {
	d, n := 0.0, 0.0
	for i, v := range want {
		d += math.Pow(float64(have[i])-float64(v), 2)
		n += math.Pow(float64(v), 2)
	}
	return math.Sqrt(d / n)
}

func tensorsOf(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	s, err := weights.OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all := map[string][]float32{}
	for _, name := range s.Names() {
		tensor, _ := s.Tensor(name)
		v := make([]float32, tensor.Len())
		for i := range v {
			v[i] = math.Float32frombits(uint32(tensor.Data[4*i]) | uint32(tensor.Data[4*i+1])<<8 | uint32(tensor.Data[4*i+2])<<16 | uint32(tensor.Data[4*i+3])<<24)
		}
		all[name] = v
	}
	return all
}

// compare trains as a folder of reference/replay.py says: losses, norms, gradients and the
// trained adapter are PEFT's. single, if any, holds what PEFT comes to in float32: AdamW
// divides gradients by their own size, those of the size of their rounding as well, so
// where it has led that away from float64 graft may be as far from it four times over.
func compare(t *testing.T, golden string, f Files, single string) {
	t.Helper()
	if _, err := Run(t.Context(), f, 1, nil); err != nil {
		t.Fatal(err)
	}
	have, want := resultOf(t, f.Losses), resultOf(t, filepath.Join(golden, "losses.json"))
	rounded := want
	if single != "" {
		rounded = resultOf(t, filepath.Join(single, "losses.json"))
	}
	if steps := len(want.Loss); steps == 0 || len(have.Loss) != steps || len(have.GradNorm) != steps || len(rounded.Loss) != steps {
		t.Fatalf("%d losses and %d norms, want %d", len(have.Loss), len(have.GradNorm), steps)
	}
	lossBound, normBound := 1e-5, 1e-4
	for i := range want.Loss {
		lossBound = max(lossBound, 4*math.Abs(rounded.Loss[i]/want.Loss[i]-1))
		normBound = max(normBound, 4*math.Abs(rounded.GradNorm[i]/want.GradNorm[i]-1))
		if d := math.Abs(have.Loss[i]/want.Loss[i] - 1); !(d < lossBound) {
			t.Errorf("loss of step %d is %v, want %v within %.2g", i+1, have.Loss[i], want.Loss[i], lossBound)
		}
		if d := math.Abs(have.GradNorm[i]/want.GradNorm[i] - 1); !(d < normBound) {
			t.Errorf("norm of step %d is %v, want %v within %.2g", i+1, have.GradNorm[i], want.GradNorm[i], normBound)
		}
	}
	worst := 0.0
	for _, what := range []string{"grads.safetensors", "final/adapter_model.safetensors"} {
		wants := tensorsOf(t, filepath.Join(golden, what))
		haves := tensorsOf(t, filepath.Join(filepath.Dir(f.Grads), what))
		near := wants
		if single != "" {
			near = tensorsOf(t, filepath.Join(single, what))
		}
		if diff := cmp.Diff(keys(wants), keys(haves)); diff != "" {
			t.Fatalf("%s: %s", what, diff)
		}
		for key, v := range wants {
			d, bound := apart(haves[key], v), max(1e-4, 4*apart(near[key], v))
			worst = max(worst, d)
			if !(d <= bound) {
				t.Errorf("%s: %s is apart by %.3g, want %.3g at most", what, key, d, bound)
			}
		}
	}
	t.Logf("worst tensor apart by %.3g", worst)
}

func resultOf(t *testing.T, path string) (r Result) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGolden(t *testing.T) {
	for name := range cases {
		t.Run(name, func(t *testing.T) {
			compare(t, filepath.Join("testdata", name), caseOf(t, name), "")
		})
	}
}

func keys(m map[string][]float32) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// The final adapter is one that graft reads, with the settings it began with.
func TestFinalIsRead(t *testing.T) {
	f := caseOf(t, "rslora")
	if _, err := Run(t.Context(), f, 2, nil); err != nil {
		t.Fatal(err)
	}
	before, err := adapters.ReadPEFT(f.Init, adapters.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := adapters.ReadPEFT(f.Final, adapters.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if after.Generation == before.Generation || !after.Modules[0].RS || after.Config.R != before.Config.R {
		t.Errorf("generation %s, want another than %s; %+v", after.Generation, before.Generation, after.Config)
	}
}

func TestRefused(t *testing.T) {
	const good = `{"lr": 1e-3, "lora": {}}`
	const rows = `[{"ids": [[5, 6, 7]], "labels": [[-100, 6, 7]], "mask": [[1, 1, 1]]}]`
	for _, c := range []struct{ config, batches, want string }{
		{`{"lr": 1, "optimiser": "AdamW", "speed": 1}`, rows, "unknown keys: optimiser, speed"},
		{`{"optimizer": "SGD"}`, rows, `optimizer is "SGD"`},
		{`{"optimizer": "SGD"}`, rows, "lr is missing"},
		{`{"lr": 1, "schedule": "linear"}`, rows, "want constant or cosine"},
		{`{"lr": 1, "warmup_steps": 3}`, rows, "warmup_steps"},
		{`{"lr": 1, "betas": [0.9]}`, rows, "want two numbers"},
		{`{"lr": 1, "max_grad_norm": -1}`, rows, "max_grad_norm"},
		{`{"lr": 1, "steps": 2}`, rows, "has 1 batches"},
		{`{"lr": 1, "lora": {"r": 8, "lora_alpha": 3}}`, rows, "lora.lora_alpha is 3, but the adapter to begin with has 8"},
		{`{"lr": 1, "lora": {"r": 8, "lora_alpha": 3}}`, rows, "lora.r is 8"},
		{`{"lr": 1, "lora": {"target_modules": ["q_proj"]}}`, rows, "lora.target_modules is [q_proj]"},
		{good, `[]`, "there are no batches"},
		{good, `{}`, "want a list of batches"},
		{good, `[{"ids": [[5]], "labels": [[5]], "masks": [[1]]}]`, `unknown field "masks"`},
		{good, `[{"ids": [[5, 6]], "labels": [[-100, -100]]}]`, "no label of it counts"},
		{good, `[{"ids": [[5, 6]], "labels": [[5]]}]`, "2 ids with 1 labels"},
		{good, `[{"ids": [[5, 6, 7]], "labels": [[5, 6, 7]], "mask": [[1, 0, 1]]}]`, "between tokens"},
		{good, `[{"ids": [[5, 6, 7]], "labels": [[5, 6, 7]], "mask": [[1, 1, 0]]}]`, "on padding"},
		{good, `[{"ids": [[5, 6, 7]], "labels": [[5, 6, 7]], "mask": [[0, 1, 1]]}]`, "only padding comes before"},
		{good, `[{"ids": [[5, 99999]], "labels": [[5, 6]]}]`, "token 1 is 99999"},
		{good, `[{"ids": [[5, 6]], "labels": [[5, 99999]]}]`, "target 1 is 99999"},
	} {
		f := caseOf(t, "lora")
		dir := t.TempDir()
		f.Config, f.Batches = filepath.Join(dir, "config.json"), filepath.Join(dir, "batches.json")
		for path, text := range map[string]string{f.Config: c.config, f.Batches: c.batches} {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Run(t.Context(), f, 1, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.config, c.batches, err, c.want)
		}
		if _, err := os.Stat(f.Losses); err == nil {
			t.Errorf("%s %s: losses were written", c.config, c.batches)
		}
	}
}

func FuzzReadBatches(f *testing.F) {
	f.Add(`[{"ids": [[5, 6, 7]], "labels": [[-100, 6, 7]], "mask": [[1, 1, 0]]}]`)
	f.Add(`[{"ids": [[]], "labels": [[]], "mask": [[]]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		examples, windows, err := ReadBatches(strings.NewReader(text))
		if err != nil {
			return
		}
		n := 0
		for _, w := range windows {
			n += len(w)
		}
		if n != len(examples) || n == 0 {
			t.Errorf("%d examples in windows of %d", len(examples), n)
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"lora": {"r": 4, "target_modules": "all-linear"}, "optimizer": {"name": "AdamW", "lr": 1e-3}, "betas": [0.9, 0.99]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseConfig(data); err == nil && c == nil {
			t.Error("neither a configuration nor an error")
		}
	})
}
