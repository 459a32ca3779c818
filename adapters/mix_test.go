package adapters_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/reftest"
)

// weighted reads adapters and weighs them.
func weighted(t testing.TB, names string, weights ...float64) []adapters.Weighted {
	t.Helper()
	var list []adapters.Weighted
	for i, name := range strings.Fields(names) {
		list = append(list, adapters.Weighted{Adapter: readPEFT(t, name), Weight: weights[i]})
	}
	return list
}

// TestMix compares matrices and logits with PEFT's add_weighted_adapter.
func TestMix(t *testing.T) {
	golden := reftest.Load(t, "testdata/mix.golden.safetensors")
	// As reference/adapters_mix.py chooses.
	chosen := func(density float64) func([]float32) []bool {
		return func(v []float32) []bool {
			keep := make([]bool, len(v))
			for i, x := range v {
				keep[i] = float64(math.Float32bits(x)>>3&15) < 16*density
			}
			return keep
		}
	}
	const q, up, table, down = "model.layers.0.self_attn.q_proj", "model.layers.1.mlp.up_proj", "model.embed_tokens", "model.layers.1.mlp.down_proj"
	for _, test := range []struct {
		name, from string
		weights    []float64
		modules    []string
		o          adapters.MixOptions
	}{
		{"linear", "lora other", []float64{0.7, 0.3}, []string{q, up}, adapters.MixOptions{}},
		{"negative", "lora other", []float64{0.9, -0.4}, []string{q, up}, adapters.MixOptions{Strategy: "linear"}},
		{"alone", "other", []float64{0.6}, []string{q}, adapters.MixOptions{Strategy: "ties", Density: 0.2}},
		{"cat", "lora other embed", []float64{0.7, -0.3, 1.5}, []string{q, up, table}, adapters.MixOptions{Strategy: "cat"}},
		{"ties", "lora other", []float64{0.7, 0.3}, []string{q, up}, adapters.MixOptions{Strategy: "ties", Density: 0.5}},
		{"ties-frequency", "lora other lora", []float64{0.7, 0.3, -0.6}, []string{q}, adapters.MixOptions{Strategy: "ties", Density: 0.7, Majority: "frequency"}},
		{"dare_linear", "lora other", []float64{0.7, 0.3}, []string{q, up}, adapters.MixOptions{Strategy: "dare_linear", Density: 0.625}.Keeping(chosen(0.625))},
		{"dare_ties", "lora other", []float64{0.7, 0.3}, []string{q, up}, adapters.MixOptions{Strategy: "dare_ties", Density: 0.5}.Keeping(chosen(0.5))},
		{"magnitude_prune", "lora other", []float64{0.7, 0.3}, []string{q, up}, adapters.MixOptions{Strategy: "magnitude_prune", Density: 0.33}},
		{"embed", "embed embed", []float64{0.5, -1.2}, []string{table}, adapters.MixOptions{Strategy: "linear"}},
		{"rslora", "rslora rslora", []float64{0.5, 0.25}, []string{down}, adapters.MixOptions{Strategy: "linear"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			mixed, err := adapters.Mix(test.o, weighted(t, test.from, test.weights...)...)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range test.modules {
				m := mixed.Module(path)
				if m.Scale() != 1 {
					t.Errorf("module %s: scale %g", path, m.Scale())
				}
				golden.Compare(t, test.name+"."+path+".A", m.A.Float32(), 2e-7)
				golden.Compare(t, test.name+"."+path+".B", m.B.Float32(), 2e-7)
			}
			dir := t.TempDir()
			if err := adapters.WritePEFT(dir, mixed); err != nil {
				t.Fatal(err)
			}
			again, err := adapters.ReadPEFT(dir, adapters.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if again.Generation != mixed.Generation {
				t.Errorf("read again it is %s, not %s", again.Generation, mixed.Generation)
			}
			if test.name == "rslora" {
				return
			}
			m := tiny(t, "llama", "")
			ids := golden.IDs(t, "ids")
			before := logits(m, ids)[9*96:]
			merge(t, check(t, m, mixed), m)
			t.Logf("logits within %.2g", golden.Compare(t, test.name+".logits", logits(m, ids)[9*96:], 2e-5))
			if distance(before, golden.Tensor(t, test.name+".logits").Data) < 0.02 {
				t.Error("the base alone is as good: the golden shows nothing")
			}
		})
	}
}

// TestMixByChance: a seed decides, and density is the share that is kept.
func TestMixByChance(t *testing.T) {
	mix := func(seed uint64) string {
		a, err := adapters.Mix(adapters.MixOptions{Strategy: "dare_linear", Density: 0.5, Seed: seed}, weighted(t, "lora other", 0.5, 0.5)...)
		if err != nil {
			t.Fatal(err)
		}
		return a.Generation
	}
	if first, again := mix(1), mix(1); first != again {
		t.Error("the same seed, another mixture")
	}
	if mix(1) == mix(2) {
		t.Error("another seed, the same mixture")
	}
	const n = 100000
	for _, p := range []float64{0.1, 0.5, 0.9} {
		kept, pairs := 0, 0
		a, b := adapters.Choose(n, p, "a"), adapters.Choose(n, p, "b")
		for i := range a {
			if a[i] {
				kept++
			}
			if a[i] && b[i] {
				pairs++
			}
		}
		// Five standard deviations of the binomial distribution.
		if d := math.Abs(float64(kept) - p*n); d > 5*math.Sqrt(n*p*(1-p)) {
			t.Errorf("probability %g: %d of %d are kept", p, kept, n)
		}
		if d := math.Abs(float64(pairs) - p*p*n); d > 5*math.Sqrt(n*p*p*(1-p*p)) {
			t.Errorf("probability %g: %d of %d are kept in both", p, pairs, n)
		}
	}
}

// TestMixExpectation: over many seeds the mean of dare_linear's matrices is
// linear's.
func TestMixExpectation(t *testing.T) {
	list := weighted(t, "lora other", 0.7, 0.3)
	linear, err := adapters.Mix(adapters.MixOptions{}, list...)
	if err != nil {
		t.Fatal(err)
	}
	const runs = 200
	want := linear.Modules[0].B.Float32()
	sum := make([]float64, len(want))
	for seed := range uint64(runs) {
		a, err := adapters.Mix(adapters.MixOptions{Strategy: "dare_linear", Density: 0.5, Seed: seed}, list...)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range a.Modules[0].B.Float32() {
			sum[i] += float64(v) / runs
		}
	}
	var diff, norm float64
	for i, w := range want {
		diff += (sum[i] - float64(w)) * (sum[i] - float64(w))
		norm += float64(w) * float64(w)
	}
	// At density ½ one number's deviation is its own size; the adapters' are
	// independent, so the mean's is at most √2 of it over √runs.
	if d := math.Sqrt(diff / norm); d > 2*math.Sqrt2/math.Sqrt(runs) || d == 0 {
		t.Errorf("the mean is apart by %.3g of the norm", d)
	}
}

// TestMixRefuses names what cannot be mixed.
func TestMixRefuses(t *testing.T) {
	linear := adapters.MixOptions{Strategy: "linear"}
	for _, test := range []struct {
		from    string
		weights []float64
		o       adapters.MixOptions
		want    string
	}{
		{"", nil, linear, "there are none"},
		{"lora other", []float64{1, math.NaN()}, linear, "adapter 2: weight is NaN"},
		{"dora lora", []float64{1, 1}, linear, "adapter 1: its magnitudes (DoRA) cannot be averaged"},
		{"lora saved", []float64{1, 1}, linear, "adapter 2: it has 1 trained biases and modules_to_save"},
		{"lora embed", []float64{1, 1}, linear, "module model.layers.0.self_attn.k_proj: ranks 4 and 2: strategy linear needs equal ones"},
		{"lora patterns", []float64{1, 1}, adapters.MixOptions{Strategy: "cat"}, "the adapters are for different bases"},
		{"lora other", []float64{1, 1}, adapters.MixOptions{Strategy: "ties"}, "density is 0, want above 0 and at most 1"},
		{"lora other", []float64{1, 1}, adapters.MixOptions{Strategy: "dare_ties", Density: 1.5}, "density is 1.5"},
		{"lora other", []float64{1, 1}, adapters.MixOptions{Strategy: "ties_svd", Density: 0.5}, `strategy "ties_svd" decomposes whole weights`},
		{"lora other", []float64{1, 1}, adapters.MixOptions{Strategy: "mean"}, `strategy is "mean", want one of cat, linear`},
		{"lora other", []float64{1, 1}, adapters.MixOptions{Majority: "most"}, `majority is "most"`},
	} {
		_, err := adapters.Mix(test.o, weighted(t, test.from, test.weights...)...)
		wants(t, err, test.want)
		if !errors.Is(err, adapters.ErrCannotMix) {
			t.Errorf("%v is not ErrCannotMix", err)
		}
	}
	list := weighted(t, "lora other", 1, 1)
	list[0].Config.Extra[adapters.BaseDigest] = []byte(`"sha256:aa"`)
	list[1].Config.Extra[adapters.BaseDigest] = []byte(`"sha256:bb"`)
	_, err := adapters.Mix(linear, list...)
	wants(t, err, `adapter 2: it was trained on "sha256:bb", the first on "sha256:aa"`)
	list[1].Config.Extra = nil
	if mixed, err := adapters.Mix(linear, list...); err != nil || string(mixed.Config.Extra[adapters.BaseDigest]) != `"sha256:aa"` {
		t.Errorf("digest %s, %v", mixed.Config.Extra[adapters.BaseDigest], err)
	}
}

// TestMixDensityOne: with all numbers kept, pruning is linear, and chance chooses
// nothing.
func TestMixDensityOne(t *testing.T) {
	list := weighted(t, "lora other", 0.7, 0.3)
	want, err := adapters.Mix(adapters.MixOptions{}, list...)
	if err != nil {
		t.Fatal(err)
	}
	for _, strategy := range []string{"magnitude_prune", "dare_linear"} {
		have, err := adapters.Mix(adapters.MixOptions{Strategy: strategy, Density: 1}, list...)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(have.Modules[3].A.Data, want.Modules[3].A.Data) || have.Generation != want.Generation {
			t.Errorf("%s differs", strategy)
		}
	}
}
