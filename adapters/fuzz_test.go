package adapters_test

import (
	"os"
	"path/filepath"
	"testing"

	"graft/adapters"
)

// FuzzConfig: any adapter_config.json ends in an error or in a configuration that
// is written and read as the same.
func FuzzConfig(f *testing.F) {
	for _, name := range variants {
		data, err := os.ReadFile(filepath.Join("testdata", name, "adapter_config.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"peft_type":"LORA","rank_pattern":{"(a|b)+":3,"":1},"layers_to_transform":2,"target_modules":"all-linear","x":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := adapters.ParseConfig(data)
		if err != nil {
			return
		}
		const path = "model.layers.1.self_attn.q_proj"
		yes, known := c.Targeted(path)
		again, err := c.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		d, err := adapters.ParseConfig(again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if y, k := d.Targeted(path); y != yes || k != known || c.RankOf(path) != d.RankOf(path) || c.AlphaOf(path) != d.AlphaOf(path) {
			t.Errorf("it says something else once it is written:\n%s\n%s", data, again)
		}
	})
}

// FuzzPEFT changes bytes of a file of tensors; what is read fits the model or is
// refused.
func FuzzPEFT(f *testing.F) {
	data, err := os.ReadFile("testdata/dora/adapter_model.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	config, err := os.ReadFile("testdata/dora/adapter_config.json")
	if err != nil {
		f.Fatal(err)
	}
	base := adapters.NewBase(tiny(f, "qwen2", ""))
	for at := range 12 {
		f.Add(at*97, byte(at))
	}
	f.Fuzz(func(t *testing.T, at int, b byte) {
		changed := append([]byte(nil), data...)
		changed[uint(at)%uint(len(data))] ^= b
		dir := t.TempDir()
		for name, content := range map[string][]byte{"adapter_config.json": config, "adapter_model.safetensors": changed} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if a, err := adapters.ReadPEFT(dir, adapters.Limits{}); err == nil {
			_, _ = base.Check(a)
		}
	})
}

// FuzzGGUF is the same for GGUF files.
func FuzzGGUF(f *testing.F) {
	data, err := os.ReadFile("testdata/embed.gguf")
	if err != nil {
		f.Fatal(err)
	}
	m := tiny(f, "llama", "")
	base := adapters.NewBase(m)
	for at := range 24 {
		f.Add(at*41, byte(1)<<(at%8))
	}
	f.Fuzz(func(t *testing.T, at int, b byte) {
		changed := append([]byte(nil), data...)
		changed[uint(at)%uint(len(data))] ^= b
		path := filepath.Join(t.TempDir(), "a.gguf")
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if a, err := adapters.ReadGGUF(path, &m.Config, adapters.Limits{}); err == nil {
			_, _ = base.Check(a)
		}
	})
}
