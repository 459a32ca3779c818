package model

import "graft/internal/weights"

// Model is the weights of one model, ready to compute. It is read-only and may
// be used by many goroutines, each with its own Ops.
type Model struct {
	Config Config
	// Linears are all projections, the embedding table and the head included,
	// in the order of the computation. A tied head has an entry of its own that
	// shares its W with the table.
	Linears []*Linear

	network
	store *weights.Store // matrices in float formats are read where they lie in the file
}

// Close lets go of the file. Nobody may compute with the model any more.
func (m *Model) Close() error { return m.store.Close() }

// network is what an architecture builds.
type network struct {
	trunk    func(o Ops, b *Batch) Value // embedding and layers: [T, D], or of the rows that are wanted
	norm     *Norm                       // of the trunk's result; nil: none
	head     *Linear                     // [V, D]; nil for encoders
	logitCap float32                     // soft cap of the logits; 0: none
}

// Forward computes the logits of the rows in b.Logits: [len(b.Logits), V].
// Encoders have none: of them it returns Hidden. The result is valid until the
// next pass of o.
func (m *Model) Forward(o Ops, b *Batch) Value {
	if m.head == nil {
		return m.Hidden(o, b)
	}
	b.whole = false
	o.Begin(b)
	x := m.trunk(o, b)
	if len(b.Logits) == 0 {
		return Value{Width: m.Config.Vocab}
	}
	x = o.Linear(o.Norm(x, m.norm), m.head)
	if m.logitCap != 0 {
		x = o.Scale(x, 1, m.logitCap)
	}
	return x
}

// Hidden computes the last hidden states of all rows, after the final norm:
// [T, D]. They are what embeddings are pooled from.
func (m *Model) Hidden(o Ops, b *Batch) Value {
	b.whole = true
	o.Begin(b)
	x := m.trunk(o, b)
	if m.norm != nil {
		x = o.Norm(x, m.norm)
	}
	return x
}
