package model

import "strings"

// FromGGUF turns the name of a tensor in GGUF files of an architecture into that
// of Hugging Face: "blk.0.attn_q.weight" -> "model.layers.0.self_attn.q_proj.weight".
func FromGGUF(arch, name string) (string, bool) {
	a := architectures[arch]
	if a == nil || a.names == nil {
		return "", false
	}
	to := a.moduleOf(name)
	return to, to != name
}

// ToGGUF is the reverse of FromGGUF.
func ToGGUF(arch, name string) (string, bool) {
	a := architectures[arch]
	if a == nil || a.names == nil {
		return "", false
	}
	to := (&loader{arch: a, gguf: true}).fileName(name)
	return to, to != name
}

// GGUFArch is what GGUF files call the architecture.
func (c *Config) GGUFArch() string {
	if c.Arch == "mistral" {
		return "llama"
	}
	return c.Arch
}

// GGUFRows tells where GGUF files keep the rows of a module: its row i is stored
// as row GGUFRows[i]. nil: as they are. See loader.rotated.
func (c *Config) GGUFRows(module string) []int32 {
	if c.GGUFArch() != "llama" {
		return nil
	}
	switch {
	case strings.HasSuffix(module, ".self_attn.q_proj"):
		return unpermuted(c.Heads, c.HeadDim)
	case strings.HasSuffix(module, ".self_attn.k_proj"):
		return unpermuted(c.KVHeads, c.HeadDim)
	}
	return nil
}
