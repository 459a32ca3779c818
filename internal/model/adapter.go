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

	homes []home  // of its updates, in the order of projections
	first []int32 // [projections+1] the home of the first update of this or a later one
}

// home is an update and its matrices: who computes a step finds them beside each other,
// and beside those of the next projection.
type home struct {
	Update
	a kernel.Matrix
	b kernel.Up
}

// update is what the adapter makes of projection i, nil: nothing.
func (a *Adapter) update(i int) *Update {
	if a.first[i] == a.first[i+1] {
		return nil
	}
	return &a.homes[a.first[i]].Update
}

// Update is what an adapter makes of one projection y = Wx + bias:
//
//	y = Stretch ⊙ (Wx + Scale·B(Ax)) + bias
//
// or W'x + bias, with a whole weight in the place of W.//
// In a table of embeddings [V, D], row i becomes W[i] + Scale·B·A[i].
type Update struct {
	A       *kernel.Matrix // [R, In], of a table [V, R]; nil: no low-rank update
	B       *kernel.Up     // [Out, R], of a table [D, R]
	Scale   float32
	Table   bool           // the projection is a table of embeddings
	Stretch []float32      // [Out], of DoRA; nil: none
	W       *kernel.Matrix // [Out, In] in the place of the base's; nil: the base's
	Bias    []float32      // [Out] in the place of the base's; nil: the base's

	shift []float32 // [Out] Bias less the base's; nil: 0
}

// exchanges tells that the base's product itself is changed, not only added to.
func (u *Update) exchanges() bool { return u.W != nil || u.Stretch != nil }

// NewAdapter makes an adapter of m from its updates, whose numbers it keeps, by
// Linear.Index. Errors: a shape that does not fit.
func (m *Model) NewAdapter(generation string, updates map[int]*Update) (*Adapter, error) {
	if m.Config.Encoder {
		return nil, fmt.Errorf("adapter %s: %s makes embeddings only, which no adapter changes", generation, m.Config.Arch)
	}
	a := &Adapter{Generation: generation, first: make([]int32, len(m.Linears)+1)}
	for i, u := range updates {
		if i < 0 || i >= len(m.Linears) {
			return nil, fmt.Errorf("adapter %s: projection %d of %d", generation, i, len(m.Linears))
		}
		if err := u.fits(m.Linears[i]); err != nil {
			return nil, fmt.Errorf("adapter %s: %s: %w", generation, m.Linears[i].Name, err)
		}
		if u.Bias != nil {
			u.shift, u.Bias = u.Bias, nil
			for o, b := range m.Linears[i].B {
				u.shift[o] -= b
			}
		}
		a.Bytes += u.bytes()
	}
	a.gather(updates)
	return a, nil
}

// gather lays the updates of low rank out in the order of the computation: a decode
// step then reads them as one stream.
func (a *Adapter) gather(updates map[int]*Update) {
	a.homes = make([]home, 0, len(updates))
	moved := map[*kernel.Matrix]*kernel.Matrix{} // parts of a projection share A
	var down []*kernel.Matrix
	var up []*kernel.Up
	for i := range len(a.first) - 1 {
		if u := updates[i]; u != nil {
			a.homes = append(a.homes, home{Update: *u})
			h := &a.homes[len(a.homes)-1]
			if u.A != nil {
				if moved[u.A] == nil {
					h.a, moved[u.A] = *u.A, &h.a
				}
				h.b = *u.B
				h.A, h.B = moved[u.A], &h.b
				down, up = append(down, h.A), append(up, h.B)
			}
		}
		a.first[i+1] = int32(len(a.homes))
	}
	a.Bytes += kernel.Gather(down, up)
}

func (u *Update) fits(l *Linear) error {
	out, in := l.W.Rows, l.W.Cols
	a, b := [2]int{0, in}, [2]int{out, 0}
	if u.A != nil && u.B != nil {
		r := u.B.R
		a[0], b[1] = r, r
		if u.Table {
			a, b = [2]int{out, r}, [2]int{in, r}
		}
		if u.A.Rows != a[0] || u.A.Cols != a[1] || u.B.Out != b[0] {
			return fmt.Errorf("want A %v and B %v, have [%d, %d] and [%d, %d]", a, b, u.A.Rows, u.A.Cols, u.B.Out, r)
		}
	}
	switch {
	case (u.A == nil) != (u.B == nil):
		return fmt.Errorf("one of A and B is missing")
	case u.W != nil && (u.A != nil || u.Stretch != nil):
		return fmt.Errorf("a whole weight, and an update of the base's")
	case u.Stretch != nil && (u.A == nil || len(u.Stretch) != out || u.Table):
		return fmt.Errorf("%d stretches of %d rows", len(u.Stretch), out)
	case u.Bias != nil && (len(u.Bias) != out || u.Table):
		return fmt.Errorf("bias of %d for %d rows", len(u.Bias), out)
	case u.W != nil && (u.W.Rows != out || u.W.Cols != in):
		return fmt.Errorf("weight [%d, %d] in the place of [%d, %d]", u.W.Rows, u.W.Cols, out, in)
	}
	return nil
}

func (u *Update) bytes() int64 {
	n := int64(4 * (len(u.Stretch) + len(u.shift)))
	for _, m := range []*kernel.Matrix{u.A, u.W} {
		if m != nil {
			n += m.Bytes()
		}
	}
	if u.B != nil {
		n += u.B.Bytes()
	}
	return n
}

// Weighted is an adapter, and the factor on what it adds.
type Weighted struct {
	*Adapter
	Weight float32 // 1: as trained
}
