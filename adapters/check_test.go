package adapters_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/weights"
)

// TestCheckNamesAll: one error has every mismatch.
func TestCheckNamesAll(t *testing.T) {
	a := readPEFT(t, "lora")
	a.Arch = "qwen2"
	a.Module("model.layers.0.self_attn.q_proj").Path = "model.layers.0.self_attn.x_proj"
	a.Module("model.layers.0.self_attn.k_proj").Path = "model.layers.2.self_attn.k_proj"
	v := a.Module("model.layers.1.self_attn.v_proj")
	v.B = v.B.Rows(0, 31)
	o := a.Module("model.layers.1.self_attn.o_proj")
	binary.LittleEndian.PutUint32(o.A.Data[20:], math.Float32bits(float32(math.NaN())))
	binary.LittleEndian.PutUint32(o.B.Data[8:], math.Float32bits(float32(math.Inf(-1))))
	v.Embedding = false
	a.Replaced["model.layers.0.mlp.up_proj.bias"] = adapters.F32(make([]float32, 47), 47)
	a.Replaced["model.norm.weight"] = adapters.F32(make([]float32, 32), 32)
	a.Config.Save = []string{"score"}
	_, err := adapters.NewBase(tiny(t, "llama", "")).Check(a)
	wants(t, err,
		"the adapter is for architecture qwen2, the model is llama",
		"module model.layers.0.self_attn.x_proj: the model has none",
		"module model.layers.2.self_attn.k_proj: the model has none",
		"module model.layers.0.self_attn.q_proj: the configuration targets it, but the file has no update of it",
		"module model.layers.0.self_attn.k_proj: the configuration targets it",
		"module model.layers.1.self_attn.v_proj: want A [4 32] and B [32 4], have [4 32] and [31 4]",
		"o_proj: A: number 5 of [4 64] is not finite",
		"o_proj: B: number 2 of [32 4] is not finite",
		"parameter model.layers.0.mlp.up_proj.bias: want [48], have [47]",
		"parameter model.norm.weight: the model has none",
		"module score: modules_to_save names it",
	)
}

// TestWrongBase: every adapter on every other architecture's model is an error,
// but for those whose shapes agree: only a digest tells them apart.
func TestWrongBase(t *testing.T) {
	bases := map[string]*adapters.Base{}
	for _, name := range []string{"llama", "qwen2", "qwen3", "phi3", "gemma2", "gemma3", "bert"} {
		bases[name] = adapters.NewBase(tiny(t, name, ""))
	}
	for _, name := range variants {
		a := readPEFT(t, name)
		for base, b := range bases {
			own := base == baseOf(a)
			// These tiny models have the same shapes wherever the adapter looks.
			alike := map[string]bool{"llama gemma2": true, "gemma2 llama": true, "mistral qwen2": true, "mistral gemma3": true}
			same := alike[baseOf(a)+" "+base] && name != "embed" && name != "bias-all"
			if _, err := b.Check(a); (err == nil) != own && !same {
				t.Errorf("%s, made for %s, on %s: %v", name, baseOf(a), base, err)
			}
		}
	}
}

// TestNothingApplied: an adapter that changes no module is never taken.
func TestNothingApplied(t *testing.T) {
	base := adapters.NewBase(tiny(t, "llama", ""))
	_, err := base.Check(&adapters.Adapter{})
	wants(t, err, "no module of the model is changed")
}

// TestBaseDigest: a digest that is known has to be one of the model's.
func TestBaseDigest(t *testing.T) {
	m := tiny(t, "llama", "")
	a := readPEFT(t, "lora")
	digest, err := json.Marshal("sha256:aa")
	if err != nil {
		t.Fatal(err)
	}
	a.Config.Extra[adapters.BaseDigest] = digest
	for _, test := range []struct {
		digests []string
		ok      bool
	}{{nil, true}, {[]string{"sha256:bb", "sha256:aa"}, true}, {[]string{"sha256:bb"}, false}} {
		if _, err := adapters.NewBase(m, test.digests...).Check(a); (err == nil) != test.ok {
			t.Errorf("model %v: %v", test.digests, err)
		}
	}
}

// TestCopy: the copy of the table that PEFT stores tells the base, also a
// quantised or rounded one, from another.
func TestCopy(t *testing.T) {
	base := adapters.NewBase(tiny(t, "llama", ""))
	const name = "model.embed_tokens.weight"
	for _, test := range []struct {
		change func(v []float32)
		want   string
	}{
		{func(v []float32) { v[7] *= 1.001 }, ""},
		{func(v []float32) { copy(v, v[32:]) }, "it differs from the model's by"},
		{func(v []float32) { v[0] = float32(math.NaN()) }, "it differs from the model's by NaN"},
	} {
		a := readPEFT(t, "embed")
		v := a.Copies[name].Float32()
		test.change(v)
		a.Copies[name] = adapters.F32(v, 96, 32)
		_, err := base.Check(a)
		if test.want != "" {
			wants(t, err, test.want)
		} else if err != nil {
			t.Error(err)
		}
	}
	a := readPEFT(t, "embed")
	a.Copies[name] = adapters.F32(make([]float32, 97*32), 97, 32)
	_, err := base.Check(a)
	wants(t, err, "want [96, 32], have [97 32]", "vocabulary")
}

// TestReport: what is said of an adapter on a model.
func TestReport(t *testing.T) {
	m := tiny(t, "phi3", "")
	a := readPEFT(t, "fused")
	b := check(t, m, a)
	r := b.Report
	// 2 layers of A [3, 32] three times, B [64, 3], [96, 3] and [32, 3], as float32
	if r.Generation != a.Generation || r.Rank != 3 || r.Applied != 6 || r.Expected != 6 || r.Bytes != 4*2*3*(3*32+64+96+32) || r.Base != "tiny/phi3" {
		t.Errorf("report %+v", r)
	}
	if len(b.Parts) != 2*(3+1+2) {
		t.Errorf("%d parts, want q, k, v, o, gate and up of two layers", len(b.Parts))
	}
	zero := readPEFT(t, "fused")
	for _, x := range zero.Modules {
		clear(x.B.Data)
	}
	if r := check(t, m, zero).Report; r.Norm != 0 || r.Modules[0].Norm != 0 {
		t.Errorf("B is 0, but the update has norm %g", r.Norm)
	}
	for _, l := range m.Linears { // B = 0 is the base, exactly
		w, _ := check(t, m, zero).Merge(l)
		row := make([]float32, l.W.Cols)
		for i := range len(w) / l.W.Cols {
			l.W.Row(row, i)
			if d := distance(row, w[i*l.W.Cols:(i+1)*l.W.Cols]); d != 0 {
				t.Fatalf("%s: row %d is %g from the base's", l.Name, i, d)
			}
		}
	}
}

// TestExpected counts what configurations target, as peft's injection did: see
// reference/adapters.py, targets.
func TestExpected(t *testing.T) {
	data := readJSON[[]struct {
		Model  string
		Config map[string]any
		Want   []string
	}](t, "testdata/targets.json")
	if len(data) < 10 {
		t.Fatalf("%d cases", len(data))
	}
	models := map[string]*model.Model{}
	for _, test := range data {
		if models[test.Model] == nil {
			models[test.Model] = tiny(t, test.Model, "")
		}
		c := map[string]any{"peft_type": "LORA"}
		for k, v := range test.Config {
			c[k] = v
		}
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		config, err := adapters.ParseConfig(raw)
		if err != nil {
			t.Errorf("%v: %v", test.Config, err)
			continue
		}
		var have []string
		for _, path := range adapters.NewBase(models[test.Model]).Paths() {
			if yes, known := config.Targeted(path); yes || !known {
				have = append(have, path)
			}
		}
		slices.Sort(have)
		slices.Sort(test.Want)
		if strings.Join(have, " ") != strings.Join(test.Want, " ") {
			t.Errorf("%s %v:\nhave %v\nwant %v", test.Model, test.Config, have, test.Want)
		}
	}
}

// TestPatterns compares with peft's get_pattern_key.
func TestPatterns(t *testing.T) {
	data := readJSON[struct {
		Paths   []string
		Matches map[string][]string
	}](t, "testdata/patterns.json")
	if len(data.Matches) < 10 {
		t.Fatalf("%d patterns", len(data.Matches))
	}
	for key, want := range data.Matches {
		raw, err := json.Marshal(map[string]any{"peft_type": "LORA", "rank_pattern": map[string]int{key: 77}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := adapters.ParseConfig(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range data.Paths {
			if have := c.RankOf(path) == 77; have != slices.Contains(want, path) {
				t.Errorf("pattern %q matches %s: %t", key, path, have)
			}
		}
	}
}

// TestFinite: the largest number of each type is finite, the next are not.
func TestFinite(t *testing.T) {
	base := adapters.NewBase(tiny(t, "llama", ""))
	for _, test := range []struct {
		typ    kernel.Type
		bits   uint16
		finite bool
	}{
		{kernel.F16, 0x7bff, true}, {kernel.F16, 0xfc00, false}, {kernel.F16, 0x7e01, false}, {kernel.F16, 0x0000, true},
		{kernel.BF16, 0x7c00, true}, {kernel.BF16, 0x7f7f, true}, {kernel.BF16, 0x7f80, false}, {kernel.BF16, 0xffc0, false},
	} {
		a := readPEFT(t, "lora")
		x := a.Modules[0]
		x.A = adapters.Tensor{Type: test.typ, Shape: x.A.Shape, Data: make([]byte, 2*x.A.Len())}
		binary.LittleEndian.PutUint16(x.A.Data[2*9:], test.bits)
		_, err := base.Check(a)
		if test.finite && err != nil {
			t.Errorf("%v %#x: %v", test.typ, test.bits, err)
		} else if !test.finite {
			wants(t, err, "A: number 9 of [4 32] is not finite")
		}
	}
}

// TestTwoUpdates: a parameter that is replaced cannot have an update too.
func TestTwoUpdates(t *testing.T) {
	a := readPEFT(t, "lora")
	a.Replaced["model.layers.0.self_attn.q_proj.weight"] = adapters.F32(make([]float32, 64*32), 64, 32)
	_, err := adapters.NewBase(tiny(t, "llama", "")).Check(a)
	wants(t, err, "parameter model.layers.0.self_attn.q_proj.weight: the file also has an update of it")
}

// TestManyPatterns: a configuration cannot make reading it take minutes.
func TestManyPatterns(t *testing.T) {
	pattern := map[string]int{}
	for i := range 70000 {
		pattern[strconv.Itoa(i)] = 4
	}
	_, err := adapters.ReadPEFT(edit(t, "lora", set("rank_pattern", pattern), nil), adapters.Limits{})
	wants(t, err, "rank_pattern: at most 4096 patterns are allowed")
	for i := 4000; i < 70000; i++ {
		delete(pattern, strconv.Itoa(i))
	}
	_, err = adapters.ReadPEFT(edit(t, "lora", set("rank_pattern", pattern), func(list []weights.Tensor) []weights.Tensor {
		for i := range 300 {
			list = append(list, weights.NewF32("base_model.model.m"+strconv.Itoa(i)+".lora_A.weight", []float32{1}, 1, 1))
		}
		return list
	}), adapters.Limits{})
	wants(t, err, "4000 patterns for 308 modules are too many")
}
