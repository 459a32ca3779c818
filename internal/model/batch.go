package model

import "fmt"

// Batch is the work of one pass: the rows of one or several sequences, those
// of one sequence adjacent and in order.
type Batch struct {
	IDs   []int32   // [T] token ids
	Types []int32   // [T] token types (BERT); nil means 0
	Segs  []Segment // cover IDs without gaps
	// Logits lists the rows for which the head is computed, ascending.
	Logits []int32
	// Layers is how many layers of an encoder are computed, whose output is then that of
	// Hidden; 0: all. Models that write compute all.
	Layers int

	whole     bool    // the last hidden states of all rows are wanted, not only those of Logits
	positions []int32 // [T] of each row in its sequence; scratch of Begin
}

// Segment is the part of one sequence computed in a pass. Its rows have
// positions Past, Past+1, … Past+Len-1.
type Segment struct {
	Row    int     // first row in the batch
	Len    int     // rows
	Past   int     // tokens of the sequence already in the cache
	Limit  int     // tokens the sequence may grow to; chooses a long rope
	Blocks []int32 // cache blocks of the sequence, enough for Past+Len tokens
	// Adapters are those of the sequence; their sum is added to the base. None:
	// the base alone. Segments with the same set share the slice or have equal ones.
	Adapters []Weighted
}

// Positions is where each row stands in its sequence, counted from 0: [T]. It is
// valid from Begin on, until the batch is changed.
func (b *Batch) Positions() []int32 { return b.positions }

// some tells that not all rows are wanted of the last layer, but those of Logits.
func (b *Batch) some() bool { return !b.whole && len(b.Logits) < len(b.IDs) }

// Begin checks the batch and computes Positions. Every Ops calls it first.
// A batch that contradicts itself is a fault of the caller, hence the panics.
func (b *Batch) Begin() {
	rows := len(b.IDs)
	if b.Types != nil && len(b.Types) != rows {
		panic(fmt.Sprintf("model: batch of %d rows with %d token types", rows, len(b.Types)))
	}
	b.positions = b.positions[:0]
	for i := range b.Segs {
		s := &b.Segs[i]
		if s.Row != len(b.positions) || s.Len < 1 || s.Past < 0 || s.Row+s.Len > rows {
			panic(fmt.Sprintf("model: segment %d has rows %d+%d after %d, in a batch of %d", i, s.Row, s.Len, len(b.positions), rows))
		}
		for p := range s.Len {
			b.positions = append(b.positions, int32(s.Past+p))
		}
	}
	if len(b.positions) != rows {
		panic(fmt.Sprintf("model: segments cover %d of %d rows", len(b.positions), rows))
	}
	last := int32(-1)
	for _, r := range b.Logits {
		if r <= last || int(r) >= rows {
			panic(fmt.Sprintf("model: logits of row %d after row %d, in a batch of %d", r, last, rows))
		}
		last = r
	}
}
