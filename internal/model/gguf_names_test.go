package model_test

import (
	"path/filepath"
	"slices"
	"testing"

	"graft/internal/model"
	"graft/internal/weights"
)

// TestGGUFNames: the names that Python's gguf gave to the tensors of the tiny
// models lead to those in the folder and back, and GGUFRows to the same rows.
func TestGGUFNames(t *testing.T) {
	for _, name := range []string{"llama", "qwen2", "qwen3", "phi3", "gemma2", "gemma3"} {
		m := load(t, filepath.Join("testdata", name))
		folder, err := weights.OpenSafetensors(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
		file, err := weights.OpenGGUF(filepath.Join("testdata", name+".gguf"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for _, l := range m.Linears {
			if l.Name == "lm_head" && m.Config.Tied {
				continue
			}
			to, ok := model.ToGGUF(m.Config.GGUFArch(), l.Module+".weight")
			stored, there := file.Tensor(to)
			back, ok2 := model.FromGGUF(m.Config.GGUFArch(), to)
			if !ok || !ok2 || !there || back != l.Module+".weight" {
				t.Errorf("%s: %s becomes %s and then %s", name, l.Module, to, back)
				continue
			}
			want, _ := folder.Tensor(back)
			size := len(want.Data) / want.Shape[0]
			have := slices.Clone(stored.Data)
			for i, at := range m.Config.GGUFRows(l.Module) {
				copy(have[i*size:(i+1)*size], stored.Data[int(at)*size:])
			}
			if !slices.Equal(have, want.Data) {
				t.Errorf("%s: rows of %s are elsewhere", name, l.Module)
			}
		}
	}
	if to, ok := model.FromGGUF("llama", "blk.0.attn_sinks.weight"); ok {
		t.Errorf("no tensor of llama becomes %s", to)
	}
	if to, ok := model.ToGGUF("none", "lm_head.weight"); ok {
		t.Errorf("an architecture that is not there calls it %s", to)
	}
}
