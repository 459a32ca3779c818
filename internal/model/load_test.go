package model_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/internal/model"
)

// edited is a copy of a tiny model's folder with replacements in config.json.
func edited(t *testing.T, name string, replace ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"config.json", "model.safetensors"} {
		data, err := os.ReadFile(filepath.Join("testdata", name, file))
		if err != nil {
			t.Fatal(err)
		}
		if file == "config.json" {
			for i := 0; i < len(replace); i += 2 {
				before := data
				data = bytes.ReplaceAll(data, []byte(replace[i]), []byte(replace[i+1]))
				if bytes.Equal(before, data) {
					t.Fatalf("%s is not in %s", replace[i], file)
				}
			}
		}
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestLoadMismatch has configurations that do not fit the weights: every tensor
// concerned is named, in one error.
func TestLoadMismatch(t *testing.T) {
	tests := []struct {
		name    string
		replace []string
		want    []string
	}{
		{"llama", []string{`"num_hidden_layers": 2`, `"num_hidden_layers": 3`}, []string{
			"tensor model.layers.2.self_attn.q_proj.weight: want shape [64 32], but it is not in the file",
			"tensor model.layers.2.mlp.down_proj.weight: want shape [32 48], but",
			"tensor model.layers.2.input_layernorm.weight: want shape [32], but",
		}},
		{"qwen3", []string{`"num_hidden_layers": 2`, `"num_hidden_layers": 1`}, []string{
			"tensor model.layers.1.self_attn.q_norm.weight: architecture qwen3 has no use for it",
			"tensor model.layers.1.mlp.up_proj.weight: architecture qwen3 has no use for it",
		}},
		{"gemma2", []string{`"intermediate_size": 48`, `"intermediate_size": 64`, `"vocab_size": 96`, `"vocab_size": 99`}, []string{
			"tensor model.embed_tokens.weight: want shape [99 32], have [96 32]",
			"tensor model.layers.0.mlp.up_proj.weight: want shape [64 32], have [48 32]",
			"tensor model.layers.1.mlp.down_proj.weight: want shape [32 64], have [32 48]",
		}},
		{"phi3", []string{`"num_key_value_heads": 2`, `"num_key_value_heads": 4`}, []string{
			"tensor model.layers.0.self_attn.qkv_proj.weight: want shape [96 32], have [64 32]",
		}},
		{"llama", []string{`"model_type": "llama"`, `"model_type": "qwen3"`, `"rope_type": "llama3"`, `"rope_type": "default"`}, []string{
			"tensor model.layers.0.self_attn.q_norm.weight: want shape [16], but it is not in the file",
		}},
		{"qwen2", []string{`"model_type": "qwen2"`, `"model_type": "gemma2"`}, []string{
			"tensor model.layers.0.pre_feedforward_layernorm.weight: want",
		}},
		{"mistral", []string{`"model_type": "mistral"`, `"model_type": "qwen2"`}, []string{
			"tensor model.layers.1.self_attn.k_proj.bias: want shape [16], but it is not in the file",
		}},
	}
	for _, test := range tests {
		m, err := model.Load(edited(t, test.name, test.replace...), model.Options{})
		if err == nil {
			m.Close()
			t.Errorf("%s with %v: loaded", test.name, test.replace)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s with %v: the error does not say %q:\n%v", test.name, test.replace, want, err)
			}
		}
	}
}

// TestLoadGGUFNames expects errors in the names that the file uses.
func TestLoadGGUFNames(t *testing.T) {
	data, err := os.ReadFile("testdata/llama.gguf")
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte("blk.1.attn_q.weight"), []byte("blk.1.attn_Q.weight"), 1)
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = model.Load(path, model.Options{})
	for _, want := range []string{
		"tensor blk.1.attn_q.weight: want shape [64 32], but it is not in the file",
		"tensor blk.1.attn_Q.weight: architecture llama has no use for it",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestLoadNothing(t *testing.T) {
	if _, err := model.Load(filepath.Join(t.TempDir(), "none.gguf"), model.Options{}); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := model.Load(t.TempDir(), model.Options{}); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestTied checks that a tied head costs no memory, and an untied one is another.
func TestTied(t *testing.T) {
	for name, tied := range map[string]bool{"qwen3": true, "qwen3.gguf": true, "qwen2": false, "gemma3.gguf": true} {
		m := load(t, filepath.Join("testdata", name))
		first, last := m.Linears[0], m.Linears[len(m.Linears)-1]
		if first.Name != "model.embed_tokens" || last.Name != "lm_head" {
			t.Fatalf("%s: linears from %s to %s", name, first.Name, last.Name)
		}
		if m.Config.Tied != tied || (first.W == last.W) != tied {
			t.Errorf("%s: tied %v, shared %v, want %v", name, m.Config.Tied, first.W == last.W, tied)
		}
		var bytes int64
		for _, w := range m.Linears[:len(m.Linears)-1] {
			bytes += w.W.Bytes()
		}
		if head := last.W.Bytes(); !tied {
			bytes += head
		}
		if extra := m.Config.Bytes - bytes; extra < 0 || extra > 8192 { // norms and biases
			t.Errorf("%s: %d bytes, of which matrices %d", name, m.Config.Bytes, bytes)
		}
	}
}

// TestLinears checks what adapters address: names, modules and their parts.
func TestLinears(t *testing.T) {
	for _, file := range []string{"phi3", "phi3.gguf"} {
		m := load(t, filepath.Join("testdata", file))
		type part struct {
			name, module string
			start, rows  int
		}
		var have []part
		for i, w := range m.Linears {
			if w.Index != i {
				t.Errorf("linear %d has index %d", i, w.Index)
			}
			if strings.Contains(w.Name, "layers.1") || i == 0 {
				have = append(have, part{w.Name, w.Module, w.Start, w.W.Rows})
			}
		}
		p := "model.layers.1."
		want := []part{
			{"model.embed_tokens", "model.embed_tokens", 0, 96},
			{p + "self_attn.qkv_proj.q", p + "self_attn.qkv_proj", 0, 32},
			{p + "self_attn.qkv_proj.k", p + "self_attn.qkv_proj", 32, 16},
			{p + "self_attn.qkv_proj.v", p + "self_attn.qkv_proj", 48, 16},
			{p + "self_attn.o_proj", p + "self_attn.o_proj", 0, 32},
			{p + "mlp.gate_up_proj.gate", p + "mlp.gate_up_proj", 0, 48},
			{p + "mlp.gate_up_proj.up", p + "mlp.gate_up_proj", 48, 48},
			{p + "mlp.down_proj", p + "mlp.down_proj", 0, 32},
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s: linears\n%v, want\n%v", file, have, want)
		}
	}
}
