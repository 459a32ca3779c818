package model_test

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/model/opstest"
	"graft/internal/weights"
)

// renamed writes a tiny model's folder anew under other tensor names, with some
// tensors more, and its configuration changed.
func renamed(t *testing.T, from string, name func(string) string, more []string, config func(c map[string]any) map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	src, err := weights.OpenSafetensors(filepath.Join("testdata", from))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var tensors []weights.Tensor
	for _, n := range src.Names() {
		x, _ := src.Tensor(n)
		if x.Name = name(n); x.Name != "" {
			tensors = append(tensors, x)
		}
	}
	for _, n := range more {
		tensors = append(tensors, weights.Tensor{Name: n, DType: "F32", Type: kernel.F32, Shape: []int{2}, Data: make([]byte, 8)})
	}
	if err := weights.SaveSafetensors(filepath.Join(dir, "model.safetensors"), tensors, nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("testdata", from, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if data, err = json.Marshal(config(c)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestOtherNames loads models that other programs saved: with eyes, with a head
// for classification, without a head, with a second copy of a tied one.
func TestOtherNames(t *testing.T) {
	same := func(c map[string]any) map[string]any { return c }
	before := func(prefix string) func(string) string { return func(n string) string { return prefix + n } }
	tests := []struct {
		name, from string
		rename     func(string) string
		more       []string
		config     func(map[string]any) map[string]any
	}{
		{"sees, before transformers 5", "gemma3", before("language_model."),
			[]string{"vision_tower.vision_model.x", "multi_modal_projector.y"},
			func(c map[string]any) map[string]any { return map[string]any{"model_type": "gemma3", "text_config": c} }},
		{"sees, since", "gemma3", func(n string) string { return "model.language_model." + strings.TrimPrefix(n, "model.") },
			[]string{"model.vision_tower.vision_model.x", "model.multi_modal_projector.y"},
			func(c map[string]any) map[string]any { return map[string]any{"model_type": "gemma3", "text_config": c} }},
		{"second copy of a tied head", "qwen3", before(""), []string{"lm_head.weight"}, same},
		{"frequencies", "mistral", before(""), []string{"model.layers.0.self_attn.rotary_emb.inv_freq"}, same},
		{"classifier", "bert", func(n string) string { return "bert." + n }, []string{"cls.predictions.bias"}, same},
		{"headless", "qwen3", func(n string) string { return strings.TrimPrefix(n, "model.") }, nil, same},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := load(t, filepath.Join("testdata", test.from))
			have := load(t, renamed(t, test.from, test.rename, test.more, test.config))
			b := whole([]int32{4, 8, 15, 16, 23, 42}, 10)
			ops := opstest.NewReference(16)
			logits := slices.Clone(want.Forward(ops, b).Data)
			if !slices.Equal(have.Forward(ops, b).Data, logits) {
				t.Error("another name, other logits")
			}
		})
	}
}

// TestUnusedTensors: what nobody knows is an error, whatever it is called.
func TestUnusedTensors(t *testing.T) {
	for _, name := range []string{"model.layers.0.self_attn.q_proj.lora_A.weight", "model.layers.2.input_layernorm.weight", "x", "model.norm.bias"} {
		dir := renamed(t, "llama", func(n string) string { return n }, []string{name}, func(c map[string]any) map[string]any { return c })
		_, err := model.Load(dir, model.Options{})
		if err == nil || !strings.Contains(err.Error(), "tensor "+name+": architecture llama has no use for it") {
			t.Errorf("with %s: %v", name, err)
		}
	}
}

// FuzzLoadGGUF changes a number of the metadata, or any byte of the file. Loading
// ends in an error or in a model that computes.
func FuzzLoadGGUF(f *testing.F) {
	var seeds [][]byte
	for i, name := range []string{"llama", "phi3", "gemma2", "gemma3", "bert"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".gguf"))
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, data)
		for at := range 20 {
			f.Add(uint8(i), uint16(100+60*at), uint32(1)<<at)
		}
	}
	f.Fuzz(func(t *testing.T, seed uint8, at uint16, flip uint32) {
		data := slices.Clone(seeds[int(seed)%len(seeds)])
		word := data[int(at)%(len(data)-4):]
		binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)^flip)
		path := filepath.Join(t.TempDir(), "m.gguf")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := model.Load(path, model.Options{Workers: 1})
		if err != nil {
			return
		}
		defer m.Close()
		m.Hidden(opstest.NewReference(16), whole([]int32{0, 1, 2}, 3))
	})
}
