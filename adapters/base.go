package adapters

import (
	"sync"

	"graft/internal/model"
)

// Base is a model that adapters are checked against. It may be used by many
// goroutines.
type Base struct {
	model   *model.Model
	digests []string
	modules map[string][]*model.Linear // by module path; parts in the order of their rows
	order   []string                   // the paths, in the order of the computation

	mu    sync.Mutex
	norms map[*model.Linear]float64 // ‖W‖² of those asked for so far
}

// BaseDigest is the key of adapter_config.json that holds the digest of the model
// an adapter was trained on.
const BaseDigest = "graft_base_digest"

// NewBase prepares a model. digests are those that an adapter trained on it, or on
// another file of the same weights, may name under BaseDigest; with none given,
// digests are not compared.
func NewBase(m *model.Model, digests ...string) *Base {
	b := &Base{model: m, digests: digests, modules: map[string][]*model.Linear{}, norms: map[*model.Linear]float64{}}
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
	b.mu.Lock()
	defer b.mu.Unlock()
	sum, ok := b.norms[l]
	if !ok {
		row := make([]float32, l.W.Cols)
		for i := range l.W.Rows {
			l.W.Row(row, i)
			sum += norm2(row)
		}
		b.norms[l] = sum
	}
	return sum
}
