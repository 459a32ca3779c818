package adapters_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/weights"
)

// edit copies an adapter's folder with its configuration and its tensors changed.
func edit(t testing.TB, name string, config func(map[string]any), tensors func([]weights.Tensor) []weights.Tensor) string {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join("testdata", name, "adapter_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if config != nil {
		config(c)
	}
	if data, err = json.Marshal(c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "adapter_config.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := weights.OpenSafetensors(filepath.Join("testdata", name, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []weights.Tensor
	for _, n := range file.Names() {
		x, _ := file.Tensor(n)
		x.Data = append([]byte(nil), x.Data...)
		list = append(list, x)
	}
	if tensors != nil {
		list = tensors(list)
	}
	if err := weights.SaveSafetensors(filepath.Join(dir, "adapter_model.safetensors"), list, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// set changes one key of the configuration.
func set(key string, value any) func(map[string]any) {
	return func(c map[string]any) { c[key] = value }
}

// wants fails unless err says each of these.
func wants(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", want)
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error\n%v\ndoes not say %q", err, w)
		}
	}
}

// TestRefusedConfig: what would change the numbers and is not supported is named.
func TestRefusedConfig(t *testing.T) {
	type object = map[string]any
	tests := []struct {
		key   string
		value any
		want  string
	}{
		{"peft_type", "IA3", `peft_type is "IA3"`},
		{"peft_type", nil, `peft_type is ""`},
		{"alora_invocation_tokens", []int{1, 2}, "alora_invocation_tokens is [1,2]"},
		{"arrow_config", object{"top_k": 3}, "arrow_config"},
		{"fan_in_fan_out", true, "fan_in_fan_out is true"},
		{"kasa_config", object{"a": 1}, "kasa_config"},
		{"layer_replication", [][]int{{0, 2}, {1, 2}}, "layer_replication is [[0,2],[1,2]]"},
		{"lora_bias", true, "lora_bias is true"},
		{"megatron_config", object{"a": 1}, "megatron_config"},
		{"monteclora_config", object{"a": 1}, "monteclora_config"},
		{"target_parameters", []string{"experts.down_proj"}, "target_parameters"},
		{"trainable_token_indices", []int{5}, "trainable_token_indices is [5]"},
		{"use_bdlora", object{"nblocks": 2}, "use_bdlora"},
		{"use_qalora", true, "use_qalora is true"},
		{"init_lora_weights", "pissa", `init_lora_weights is "pissa"`},
		{"init_lora_weights", "pissa_niter_16", "path_initial_model_for_weight_conversion"},
		{"init_lora_weights", "olora", "it changes the base"},
		{"init_lora_weights", "corda", "it changes the base"},
		{"init_lora_weights", "loftq", "it changes the base"},
		{"init_lora_weights", "lora_ga", "it changes the base"},
		{"r", 0, "r is 0"},
		{"r", "8", "r: json"},
		{"bias", "some", `bias is "some"`},
		{"rank_pattern", object{"q_proj": 2.5}, "rank_pattern q_proj is 2.5"},
		{"rank_pattern", object{"(?=q)q_proj": 2}, "pattern (?=q)q_proj"},
		{"rank_pattern", []int{1}, "want an object"},
		{"alpha_pattern", object{"q_proj": "x"}, "alpha_pattern: q_proj"},
		{"rank_pattern", object{"q_proj": 2}, "module model.layers.1.self_attn.q_proj: its rank is 4, but the configuration says 2"},
		{"use_dora", true, "use_dora is true, but a magnitude is there: false"},
		{"lora_alpha", "x", "lora_alpha: json"},
	}
	for _, test := range tests {
		_, err := adapters.ReadPEFT(edit(t, "lora", set(test.key, test.value), nil), adapters.Limits{})
		wants(t, err, test.want)
	}
	_, err := adapters.ReadPEFT(edit(t, "lora", func(c map[string]any) {
		c["lora_bias"], c["use_qalora"], c["init_lora_weights"] = true, true, "pissa"
	}, nil), adapters.Limits{})
	wants(t, err, "lora_bias", "use_qalora", "init_lora_weights")
	_, err = adapters.ReadPEFT(edit(t, "ends", set("ensure_weight_tying", true), nil), adapters.Limits{})
	wants(t, err, "ensure_weight_tying is true")
}

// TestHarmlessConfig: keys that change no number neither disturb nor get lost.
func TestHarmlessConfig(t *testing.T) {
	want := readPEFT(t, "lora").Generation
	dir := edit(t, "lora", func(c map[string]any) {
		c["a key of tomorrow"], c["R"], c["ensure_weight_tying"], c["init_lora_weights"] = []int{1}, 77, true, "gaussian"
	}, nil)
	for range 2 {
		a, err := adapters.ReadPEFT(dir, adapters.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(strings.Fields(string(a.Config.Extra["a key of tomorrow"])), "") != "[1]" {
			t.Errorf("it is lost: %v", a.Config.Extra)
		}
		if a.Generation != want {
			t.Error("another generation")
		}
		dir = t.TempDir()
		if err := adapters.WritePEFT(dir, a); err != nil {
			t.Fatal(err)
		}
	}
}

const q0 = "base_model.model.model.layers.0.self_attn.q_proj"

// TestRefusedTensors has files that do not hold what they should.
func TestRefusedTensors(t *testing.T) {
	vector := func(name string, n int) weights.Tensor { return weights.NewF32(name, make([]float32, n), n) }
	add := func(x weights.Tensor) func([]weights.Tensor) []weights.Tensor {
		return func(l []weights.Tensor) []weights.Tensor { return append(l, x) }
	}
	change := func(name string, f func(x *weights.Tensor)) func([]weights.Tensor) []weights.Tensor {
		return func(l []weights.Tensor) []weights.Tensor {
			for i := range l {
				if l[i].Name == name {
					f(&l[i])
				}
			}
			return l
		}
	}
	tests := []struct {
		name   string
		change func([]weights.Tensor) []weights.Tensor
		want   string
	}{
		{"no prefix", change(q0+".lora_A.weight", func(x *weights.Tensor) { x.Name = "model.q.lora_A.weight" }), "begin with base_model.model."},
		{"half", change(q0+".lora_A.weight", func(x *weights.Tensor) { x.Name = "base_model.model.x.lora_A.weight" }), "module model.layers.0.self_attn.q_proj: A is there: false"},
		{"bias of B", add(vector(q0+".lora_B.bias", 64)), q0 + ".lora_B.bias: the configuration's bias is none"},
		{"diagonal", add(vector(q0+".lora_diag", 4)), q0 + ".lora_diag: not supported"},
		{"weight", add(vector(q0+".weight", 4)), q0 + ".weight: not supported"},
		{"trained bias", add(vector(q0+".bias", 64)), q0 + ".bias: the configuration's bias is none"},
		{"magnitude", add(vector(q0+".lora_magnitude_vector", 64)), "a magnitude is there: true"},
		{"short magnitude", add(vector(q0+".lora_magnitude_vector", 63)), "magnitude [63], want [64]"},
		{"twice", add(vector(strings.Replace(q0, "model.model.", "model.model.language_model.", 1)+".lora_A.weight", 4)), "has one already"},
		{"transposed", change(q0+".lora_A.weight", func(x *weights.Tensor) { x.Shape = []int{32, 4} }), "A [32 4] and B [64 4], want [rank, in]"},
		{"vector", change(q0+".lora_B.weight", func(x *weights.Tensor) { x.Shape = []int{256} }), "B [256], want"},
		{"empty", change(q0+".lora_B.weight", func(x *weights.Tensor) { x.Shape, x.Data = []int{0, 4}, nil }), "shape [0 4] holds no matrix"},
		{"integers", change(q0+".lora_B.weight", func(x *weights.Tensor) { x.DType, x.Type = "I32", weights.Unsupported }), "stored as I32"},
		{"nothing", func([]weights.Tensor) []weights.Tensor { return nil }, "there is nothing in it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := adapters.ReadPEFT(edit(t, "lora", nil, test.change), adapters.Limits{})
			wants(t, err, test.want)
		})
	}
}

// TestRefusedFiles has folders and files that are not adapters, or too large.
func TestRefusedFiles(t *testing.T) {
	m := tiny(t, "llama", "")
	read := func(path string) error {
		_, err := adapters.Read(path, &m.Config, adapters.Limits{})
		return err
	}
	dir := edit(t, "lora", nil, nil)
	tensors := filepath.Join(dir, "adapter_model.safetensors")
	for _, l := range []adapters.Limits{{Rank: 3}, {Bytes: 1000}, {Tensors: 15}} {
		if _, err := adapters.ReadPEFT(dir, l); err == nil || !strings.Contains(err.Error(), "allowed") {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if _, err := adapters.ReadPEFT(dir, adapters.Limits{Rank: 4, Bytes: 20000, Tensors: 16}); err != nil {
		t.Error(err)
	}
	wants(t, read(tensors), "want the folder")
	if err := os.Rename(tensors, filepath.Join(dir, "adapter_model.bin")); err != nil {
		t.Fatal(err)
	}
	wants(t, read(dir), "adapter_model.bin is a pickle", "safe_serialization")
	wants(t, read(filepath.Join(dir, "adapter_model.bin")), "a pickle runs code")
	if err := os.Remove(filepath.Join(dir, "adapter_model.bin")); err != nil {
		t.Fatal(err)
	}
	wants(t, read(dir), "adapter_model.safetensors is not there")
	if err := os.WriteFile(filepath.Join(dir, "adapters.safetensors"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, read(dir), "mlx")
	if err := os.WriteFile(tensors, []byte{0, 0, 0, 2, 0, 0, 0, 0, '{'}, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, read(dir), "header of 33554432 bytes")
	for text, want := range map[string]string{
		`{"fine_tune_type": "lora", "lora_parameters": {"rank": 8, "scale": 20.0}}`: "mlx",
		"null": "want a JSON object", "[": "unexpected end", strings.Repeat(" ", 1<<20+1): "more than 1048576 bytes",
	} {
		if err := os.WriteFile(filepath.Join(dir, "adapter_config.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		wants(t, read(dir), want)
	}
	wants(t, read(filepath.Join(dir, "nothing")), "nothing")
}

// TestRefusedGGUF changes the parts of a GGUF adapter.
func TestRefusedGGUF(t *testing.T) {
	llama, qwen := tiny(t, "llama", ""), tiny(t, "qwen3", "")
	src, err := weights.OpenGGUF(filepath.Join("testdata", "lora.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	write := func(key string, value any, more ...weights.Tensor) string {
		var pairs []weights.Pair
		for _, p := range src.Meta.Pairs() {
			if p.Key == key {
				p.Value = value
			}
			if p.Value != nil {
				pairs = append(pairs, p)
			}
		}
		if src.Meta.Kind(key) == "" && value != nil {
			pairs = append(pairs, weights.Pair{Key: key, Value: value})
		}
		for _, n := range src.Names() {
			x, _ := src.Tensor(n)
			more = append(more, x)
		}
		path := filepath.Join(t.TempDir(), "a.gguf")
		if err := weights.SaveGGUF(path, pairs, more); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, err = adapters.ReadGGUF(write("x", nil), &qwen.Config, adapters.Limits{})
	wants(t, err, `general.architecture is "llama", want "qwen3"`)
	vector := weights.NewF32
	tests := []struct{ path, want string }{
		{write("general.type", "model"), `general.type is "model", want "adapter"`},
		{write("adapter.type", nil), `adapter.type is "", want "lora"`},
		{write("adapter.lora.alpha", nil), "adapter.lora.alpha"},
		{write("adapter.alora.invocation_tokens", []uint32{1}), "aLoRA"},
		{write("x", nil, vector("blk.0.attn_q.weight", make([]float32, 4), 4)), "want a name that ends in .lora_a"},
		{write("x", nil, vector("blk.0.attn_x.weight.lora_a", make([]float32, 4), 4)), "has no blk.0.attn_x.weight"},
		{write("x", nil, vector("blk.0.ffn_up.weight.lora_a", make([]float32, 4), 2, 2)), "B is there: false"},
		{write("x", nil, vector("blk.3.attn_k.weight.lora_a", make([]float32, 4), 2, 2), vector("blk.3.attn_k.weight.lora_b", make([]float32, 6), 3, 2)), "B [3 2], want [32, 2]"},
	}
	for _, test := range tests {
		_, err := adapters.ReadGGUF(test.path, &llama.Config, adapters.Limits{})
		wants(t, err, test.want)
	}
	a, err := adapters.ReadGGUF(write("adapter.lora.alpha", float32(0)), &llama.Config, adapters.Limits{})
	if err != nil || a.Modules[0].Scale() != 1 {
		t.Errorf("alpha 0: %v; want a scale of 1, as llama.cpp has it", err)
	}
	if _, err := adapters.ReadGGUF(write("x", nil), &llama.Config, adapters.Limits{Rank: 3}); err == nil {
		t.Error("rank 4 where 3 are allowed")
	}
}
