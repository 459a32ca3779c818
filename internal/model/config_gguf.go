package model

import (
	"errors"
	"fmt"
	"strings"

	"graft/internal/weights"
)

// ggufConfig reads the metadata of a GGUF file. Keys are without the name of the
// architecture that they begin with in the file. It keeps the errors.
type ggufConfig struct {
	arch string
	meta *weights.Metadata
	file *weights.GGUF
	errs []error
}

func (g *ggufConfig) bad(key, want string) {
	key = g.arch + "." + key
	have := g.meta.Kind(key)
	if have == "" {
		have = "nothing"
	}
	g.errs = append(g.errs, fmt.Errorf("metadata %s: want %s, have %s", key, want, have))
}

func (g *ggufConfig) has(key string) bool { return g.meta.Kind(g.arch+"."+key) != "" }

// int is a count that must be there.
func (g *ggufConfig) int(key string) int {
	n, ok := g.meta.Uint(g.arch + "." + key)
	if !ok || n > 1<<30 {
		g.bad(key, "a count")
		return 0
	}
	return int(n)
}

// intOr is a count that may be missing.
func (g *ggufConfig) intOr(key string, missing int) int {
	if !g.has(key) {
		return missing
	}
	return g.int(key)
}

// floatOr is a number that may be missing.
func (g *ggufConfig) floatOr(key string, missing float64) float64 {
	if !g.has(key) {
		return missing
	}
	f, ok := g.meta.Float(g.arch + "." + key)
	if !ok {
		g.bad(key, "a number")
	}
	return f
}

// factors is a small tensor of the file; nil when it is not there.
func (g *ggufConfig) factors(name string, n int) []float32 {
	t, ok := g.file.Tensor(name)
	if !ok {
		return nil
	}
	v, err := vector(t, n)
	if err != nil {
		g.errs = append(g.errs, err)
	}
	return v
}

// readGGUF reads the metadata of a file.
func readGGUF(file *weights.GGUF) (*architecture, *Config, error) {
	name, ok := file.Meta.String("general.architecture")
	if !ok {
		return nil, nil, fmt.Errorf("metadata general.architecture: there is none")
	}
	a := architectures[name]
	if a == nil || a.name != name {
		return nil, nil, fmt.Errorf("architecture %q is not supported: graft knows %s", name, strings.Join(Architectures(), ", "))
	}
	g := &ggufConfig{arch: name, meta: file.Meta, file: file}
	c := g.config()
	if a.gguf != nil && len(g.errs) == 0 {
		if err := a.gguf(c, g); err != nil {
			return nil, nil, err
		}
	}
	if err := errors.Join(g.errs...); err != nil {
		return nil, nil, err
	}
	return a, c, c.check()
}

// config is the part that all architectures share.
func (g *ggufConfig) config() *Config {
	c := &Config{
		Arch:   g.arch,
		Layers: g.int("block_count"), Width: g.int("embedding_length"), FFN: g.int("feed_forward_length"),
		Heads: g.int("attention.head_count"), Context: g.int("context_length"),
		EmbedScale: 1, Pooling: "last",
	}
	c.Name, _ = g.meta.String("general.name")
	c.KVHeads = g.intOr("attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = g.intOr("attention.key_length", c.Width/c.Heads)
	}
	if v := g.intOr("attention.value_length", c.HeadDim); v != c.HeadDim {
		g.errs = append(g.errs, fmt.Errorf("values of %d numbers beside keys of %d are not supported", v, c.HeadDim))
	}
	if n := g.intOr("expert_count", 0); n > 0 {
		g.errs = append(g.errs, fmt.Errorf("a mixture of %d experts is not supported", n))
	}
	c.Vocab = g.vocab()
	c.QueryScale = float32(g.floatOr("attention.scale", float64(inverseRoot(float64(c.HeadDim)))))
	c.Eps = float32(g.floatOr("attention.layer_norm_rms_epsilon", g.floatOr("attention.layer_norm_epsilon", 0)))
	c.AttnCap = float32(g.floatOr("attn_logit_softcapping", 0))
	c.LogitCap = float32(g.floatOr("final_logit_softcapping", 0))
	if c.Layers <= maxLayers {
		c.Windows = make([]int, c.Layers)
	}
	_, untied := g.file.Tensor("output.weight")
	c.Tied = !untied
	c.Rope = RopeConfig{
		Theta: g.floatOr("rope.freq_base", 10000), Dims: g.intOr("rope.dimension_count", c.HeadDim),
		Factor: g.floatOr("rope.scaling.factor", 1), OriginalContext: g.intOr("rope.scaling.original_context_length", c.Context),
	}
	if s, _ := g.meta.String(g.arch + ".rope.scaling.type"); s != "none" {
		c.Rope.Scaling = s
	}
	if p, ok := map[int]string{1: "mean", 2: "cls", 3: "last"}[g.intOr("pooling_type", 0)]; ok {
		c.Pooling = p
	}
	return c
}

// vocab is the number of rows of the embedding table: it may be padded beyond
// the tokens that the tokenizer knows.
func (g *ggufConfig) vocab() int {
	t, ok := g.file.Tensor("token_embd.weight")
	if !ok || len(t.Shape) != 2 {
		g.errs = append(g.errs, fmt.Errorf("tensor token_embd.weight: want 2 dimensions, have %v", t.Shape))
		return 0
	}
	return t.Shape[0]
}
