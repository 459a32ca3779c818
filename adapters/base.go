package adapters

import (
	"context"
	"sync"
	"time"

	"graft/internal/model"
)

// Base is a model that adapters are checked against. It may be used by many
// goroutines.
type Base struct {
	model   *model.Model
	digests []string
	modules map[string][]*model.Linear // by module path; parts in the order of their rows
	order   []string                   // the paths, in the order of the computation
	norms   *Norms
}

// Norms are what Check knows of a model's weights. They take the time of reading all
// of them to compute, and hardly any memory: who checks often keeps them for the
// next Base of the same model.
type Norms struct {
	mu  sync.Mutex
	sum map[int]float64 // ‖W‖² by Linear.Index, of those asked for so far
}

// BaseDigest is the key of adapter_config.json that holds the digest of the model
// an adapter was trained on.
const BaseDigest = "graft_base_digest"

// NewBase prepares a model. digests are those that an adapter trained on it, or on
// another file of the same weights, may name under BaseDigest; with none given,
// digests are not compared.
func NewBase(m *model.Model, digests ...string) *Base {
	b := &Base{model: m, digests: digests, modules: map[string][]*model.Linear{}, norms: &Norms{sum: map[int]float64{}}}
	for _, l := range m.Linears {
		if b.modules[l.Module] == nil {
			b.order = append(b.order, l.Module)
		}
		b.modules[l.Module] = append(b.modules[l.Module], l)
	}
	return b
}

// shape is [out, in] of a whole module.
func (b *Base) shape(path string) (out, in int) {
	for _, l := range b.modules[path] {
		out, in = out+l.W.Rows, l.W.Cols
	}
	return out, in
}

// norm2 is ‖W‖², summed over the dequantised rows. It is computed once: of a model
// of 135M weights in about the time of reading them.
func (b *Base) norm2(l *model.Linear) float64 {
	b.norms.mu.Lock()
	defer b.norms.mu.Unlock()
	sum, ok := b.norms.sum[l.Index]
	if !ok {
		row := make([]float32, l.W.Cols)
		for i := range l.W.Rows {
			l.W.Row(row, i)
			sum += norm2(row)
		}
		b.norms.sum[l.Index] = sum
	}
	return sum
}

// Norms are those of b, which grow with its use.
func (b *Base) Norms() *Norms { return b.norms }

// SetNorms gives b those of an earlier Base of the same model, before its first use.
func (b *Base) SetNorms(n *Norms) { b.norms = n }

// Warm computes all norms, so that the first Check need not. It pauses after each
// projection for twice the time that it took, so as to leave the machine to others,
// and ends with ctx.
func (b *Base) Warm(ctx context.Context) {
	for _, l := range b.model.Linears {
		start := time.Now()
		b.norm2(l)
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Since(start)):
		}
		if ctx.Err() != nil { // both may have been ready
			return
		}
	}
}
