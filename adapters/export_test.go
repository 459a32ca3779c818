package adapters

import "graft/internal/model"

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
