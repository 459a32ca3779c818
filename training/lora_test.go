package training

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestTargets(t *testing.T) {
	m := openTiny(t, "phi3")
	for _, c := range []struct {
		names []string
		want  int // modules
		err   string
	}{
		{names: []string{"qkv_proj"}, want: 2},
		{names: []string{"qkv_proj", "self_attn.qkv_proj", "model.layers.0.self_attn.qkv_proj"}, want: 2},
		{names: []string{"model.layers.1.mlp.down_proj"}, want: 1},
		{names: []string{"all-linear"}, want: 8},
		{names: []string{"lm_head"}, want: 1},
		{names: []string{"q_proj"}, err: "no such module; it has qkv_proj"},
		{names: []string{"proj"}, err: "no such module"},
		{names: []string{"embed_tokens"}, err: "a table of embeddings"},
	} {
		paths, err := Targets(m, c.names)
		if len(paths) != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%v: %v, %v; want %d, error %q", c.names, paths, err, c.want, c.err)
		}
	}
}

func TestNewAdapterRefuses(t *testing.T) {
	m := openTiny(t, "llama")
	const q = "model.layers.0.self_attn.q_proj"
	for want, specs := range map[string][]ModuleSpec{
		"no module is":    nil,
		"rank 0":          {{Path: q, Rank: 0, Alpha: 1}},
		"alpha NaN":       {{Path: q, Rank: 1, Alpha: math.NaN()}},
		"named twice":     {{Path: q, Rank: 1, Alpha: 1}, {Path: q, Rank: 2, Alpha: 1}},
		"no such module":  {{Path: q + "x", Rank: 1, Alpha: 1}},
		"table of":        {{Path: "model.embed_tokens", Rank: 1, Alpha: 1}},
		"the head, which": {{Path: "lm_head", Rank: 1, Alpha: 1, DoRA: true}},
	} {
		if _, err := NewAdapter(m, specs, 0, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := NewAdapter(m, []ModuleSpec{{Path: q, Rank: 1, Alpha: 1}}, 1, 1); err == nil {
		t.Error("a dropout of everything was taken")
	}
}

// A is uniform in ±1/√In, each tensor drawn by itself: neither the order of modules
// nor the others change it. The scale is alpha/r, or alpha/√r.
func TestInit(t *testing.T) {
	m := openTiny(t, "gemma3")
	paths, err := Targets(m, []string{"all-linear"})
	if err != nil {
		t.Fatal(err)
	}
	var specs []ModuleSpec
	for i, p := range paths {
		specs = append(specs, ModuleSpec{Path: p, Rank: 16, Alpha: 8, RSLoRA: i%2 == 1})
	}
	a, err := NewAdapter(m, specs, 0, 7)
	if err != nil {
		t.Fatal(err)
	}
	n, square, top := 0, 0.0, 0.0
	for i, mod := range a.Modules {
		if want := []float32{0.5, 2}[i%2]; mod.Scale != want || mod.RSLoRA != (i%2 == 1) {
			t.Errorf("%s: scale is %v, want %v", mod.Path, mod.Scale, want)
		}
		for _, v := range mod.A.Data {
			x := float64(v) * math.Sqrt(float64(mod.In)) // uniform in ±1
			n, square, top = n+1, square+x*x, max(top, math.Abs(x))
		}
		if slices.ContainsFunc(mod.B.Data, func(v float32) bool { return v != 0 }) {
			t.Errorf("%s does not begin with 0", mod.B.Name)
		}
		for _, other := range a.Modules[:i] {
			if len(other.A.Data) == len(mod.A.Data) && slices.Equal(other.A.Data[:8], mod.A.Data[:8]) {
				t.Errorf("%s and %s begin alike", other.A.Name, mod.A.Name)
			}
		}
	}
	// x² has the mean 1/3 and the variance 4/45; five standard deviations.
	if d := square/float64(n) - 1.0/3; math.Abs(d) > 5*math.Sqrt(4.0/45/float64(n)) || top > 1 || top < 0.99 {
		t.Errorf("%d numbers: mean square off by %v, largest %v", n, d, top)
	}
	last := a.Modules[len(a.Modules)-1]
	alone, err := NewAdapter(m, []ModuleSpec{last.ModuleSpec}, 0, 7)
	if err != nil || !slices.Equal(alone.Modules[0].A.Data, last.A.Data) {
		t.Errorf("a module alone begins otherwise (%v)", err)
	}
	other, err := NewAdapter(m, []ModuleSpec{last.ModuleSpec}, 0, 8)
	if err != nil || slices.Equal(other.Modules[0].A.Data, last.A.Data) {
		t.Errorf("another seed begins alike (%v)", err)
	}
}

func TestFillNormal(t *testing.T) {
	x := make([]float32, 1<<16)
	fillNormal(x, 3, 2)
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += float64(v) / float64(len(x))
		square += float64(v) * float64(v) / float64(len(x))
	}
	if math.Abs(mean) > 5*2/256.0 || math.Abs(square-4) > 5*4*math.Sqrt2/256 {
		t.Errorf("mean %v, mean square %v, want 0 and 4", mean, square)
	}
}
