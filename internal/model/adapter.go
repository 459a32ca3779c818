package model

import (
	"fmt"

	"graft/internal/kernel"
)

// Adapter is one adapter made ready to compute with: what it adds to the
// projections of one model. It is read-only: any number of passes may use it.
type Adapter struct {
	Generation string // digest of its content: "sha256:…"
	Bytes      int64  // of memory that it holds
	updates    []*Update
}

// Update is what an adapter makes of one projection y = Wx + bias:
//
//	y = Stretch ⊙ (Wx + Scale·B(Ax)) + bias
//
// In a table of embeddings [V, D], row i becomes W[i] + Scale·B·A[i].
type Update struct {
	A       *kernel.Matrix // [R, In], of a table [V, R]; nil: no low-rank update
	B       *kernel.Matrix // [Out, R], of a table [D, R]
	Scale   float32
	Table   bool           // the projection is a table of embeddings
	Stretch []float32      // [Out], of DoRA; nil: none
	W       *kernel.Matrix // [Out, In] in the place of the base's; nil: the base's
	Bias    []float32      // [Out] in the place of the base's; nil: the base's
}

// plain tells that the update only adds to the base's product.
func (u *Update) plain() bool { return u.Stretch == nil && u.W == nil && u.Bias == nil }

// NewAdapter makes an adapter of m from its updates, which it keeps, by
// Linear.Index. Errors: a shape that does not fit.
func (m *Model) NewAdapter(generation string, updates map[int]*Update) (*Adapter, error) {
	if m.Config.Encoder {
		return nil, fmt.Errorf("adapter %s: %s makes embeddings only, which no adapter changes", generation, m.Config.Arch)
	}
	a := &Adapter{Generation: generation, updates: make([]*Update, len(m.Linears))}
	for i, u := range updates {
		if i < 0 || i >= len(m.Linears) {
			return nil, fmt.Errorf("adapter %s: projection %d of %d", generation, i, len(m.Linears))
		}
		if err := u.fits(m.Linears[i]); err != nil {
			return nil, fmt.Errorf("adapter %s: %s: %w", generation, m.Linears[i].Name, err)
		}
		a.updates[i] = u
		a.Bytes += u.bytes()
	}
	return a, nil
}

func (u *Update) fits(l *Linear) error {
	out, in := l.W.Rows, l.W.Cols
	a, b := [2]int{0, in}, [2]int{out, 0}
	if u.A != nil && u.B != nil {
		r := u.B.Cols
		a[0], b[1] = r, r
		if u.Table {
			a, b = [2]int{out, r}, [2]int{in, r}
		}
		if u.A.Rows != a[0] || u.A.Cols != a[1] || u.B.Rows != b[0] || u.B.Cols != b[1] {
			return fmt.Errorf("want A %v and B %v, have [%d, %d] and [%d, %d]", a, b, u.A.Rows, u.A.Cols, u.B.Rows, u.B.Cols)
		}
	}
	switch {
	case (u.A == nil) != (u.B == nil):
		return fmt.Errorf("one of A and B is missing")
	case u.Stretch != nil && (len(u.Stretch) != out || u.Table):
		return fmt.Errorf("%d stretches of %d rows", len(u.Stretch), out)
	case u.Bias != nil && (len(u.Bias) != out || u.Table):
		return fmt.Errorf("bias of %d for %d rows", len(u.Bias), out)
	case u.W != nil && (u.W.Rows != out || u.W.Cols != in):
		return fmt.Errorf("weight [%d, %d] in the place of [%d, %d]", u.W.Rows, u.W.Cols, out, in)
	}
	return nil
}

func (u *Update) bytes() int64 {
	n := int64(4 * (len(u.Stretch) + len(u.Bias)))
	for _, m := range []*kernel.Matrix{u.A, u.B, u.W} {
		if m != nil {
			n += m.Bytes()
		}
	}
	return n
}

// update is what a makes of projection w; nil: nothing.
func (a *Adapter) update(w *Linear) *Update { return a.updates[w.Index] }

// Weighted is an adapter, and the factor on what it adds.
type Weighted struct {
	*Adapter
	Weight float32 // 1: as trained
}
