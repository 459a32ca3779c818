package adapters

import (
	"context"
	"io"

	"graft/internal/model"
)

// What tests look at.
var (
	Digest      = digest
	ParseConfig = parseConfig
)

// Targeted is targeted.
func (c *Config) Targeted(path string) (yes, known bool) { return c.targeted(path) }

// Paths are those of the modules.
func (b *Base) Paths() []string { return b.order }

// RankOf is rank.
func (c *Config) RankOf(path string) int { return c.rank(path) }

// AlphaOf is alpha.
func (c *Config) AlphaOf(path string) float64 { return c.alpha(path) }

// Keeping is o with a choice of its own in the place of chance.
func (o MixOptions) Keeping(keep func(v []float32) []bool) MixOptions {
	o.keep = keep
	return o
}

// Choose is choose.
var Choose = choose

// Model is what the base was made of.
func (b *Base) Model() *model.Model { return b.model }

// Unpack keeps the files of an archive in dir and returns what Read reads of them.
func Unpack(dir string, limits Limits, r io.Reader) (string, error) {
	in := &intake{ctx: context.Background(), dir: dir, limits: limits.withDefaults()}
	if err := in.archive(r); err != nil {
		return "", err
	}
	return in.whole()
}

// CompileWhole is Compile without rounding: f32 stays f32.
func (b *Bound) CompileWhole() (*model.Adapter, error) {
	return b.compile(func(t Tensor) half { return half{t: t} })
}

// Len is how many norms are known.
func (n *Norms) Len() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.sum)
}

// Divergence is divergence.
var Divergence = divergence
