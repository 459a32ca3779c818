package adapters

import (
	"math"

	"graft/internal/kernel"
	"graft/internal/model"
)

// Compile makes the adapter ready to compute with. A and B are kept in 16 bits: as
// they are in f16 and bf16, and from f32 rounded to f16 after a power of two has
// brought the largest number of each matrix to just below 2¹⁵, so that every number
// down to 2⁻²⁹ of it is rounded by at most 2⁻¹¹ of itself. Replaced parameters stay
// in the type of the file.
func (b *Bound) Compile() (*model.Adapter, error) { return b.compile(halve) }

func (b *Bound) compile(shrink func(Tensor) half) (*model.Adapter, error) {
	c := compiler{half: map[*Module][2]half{}, shrink: shrink}
	updates := map[int]*model.Update{}
	of := func(l *model.Linear) *model.Update {
		if updates[l.Index] == nil {
			updates[l.Index] = &model.Update{Table: isTable(l.Module)}
		}
		return updates[l.Index]
	}
	for i := range b.Parts {
		if err := c.part(of(b.Parts[i].Linear), &b.Parts[i]); err != nil {
			return nil, err
		}
	}
	for _, r := range b.Whole {
		u := of(r.Linear)
		if r.B.Shape != nil {
			u.Bias = r.B.Float32()
		}
		if r.W.Shape != nil {
			w, err := matrix(r.W)
			if err != nil {
				return nil, err
			}
			u.W = w
		}
	}
	return b.Base.model.NewAdapter(b.Generation, updates)
}

// compiler keeps the halves of modules, which their parts share.
type compiler struct {
	half   map[*Module][2]half
	shrink func(Tensor) half // halve, but in tests
}

// half is A or B in 16 bits; the numbers are 2^-exp times as large as they were.
type half struct {
	t   Tensor
	w   *kernel.Matrix // A's, once it is there
	exp int
}

func (c *compiler) part(u *model.Update, p *Part) (err error) {
	h, ok := c.half[p.Module]
	if !ok {
		a := p.Module.A
		if p.Module.Embedding {
			a = a.transposed()
		}
		h = [2]half{c.shrink(a), c.shrink(p.Module.B)}
		if h[0].w, err = matrix(h[0].t); err != nil {
			return err
		}
		c.half[p.Module] = h
	}
	b := h[1].t
	if !p.Module.Embedding {
		b = b.Rows(p.Linear.Start, p.Linear.W.Rows)
	}
	u.A = h[0].w
	if u.B, err = kernel.NewUp(source(b)); err != nil {
		return err
	}
	u.Scale = float32(math.Ldexp(p.Module.Scale(), h[0].exp+h[1].exp))
	u.Stretch = p.Stretch
	return nil
}

// matrix is a tensor for products, which keeps its memory.
func matrix(t Tensor) (*kernel.Matrix, error) {
	return kernel.NewMatrix(source(t))
}

func source(t Tensor) kernel.Source {
	return kernel.Source{Type: t.Type, Rows: t.Shape[0], Cols: t.Shape[1], Data: t.Data}
}

// halve is t in 16 bits.
func halve(t Tensor) half {
	if t.Type != kernel.F32 {
		return half{t: t}
	}
	v := t.Float32()
	largest := uint32(0) // bits of finite magnitudes have the order of the numbers
	for _, x := range v {
		largest = max(largest, math.Float32bits(x)&^(1<<31))
	}
	_, exp := math.Frexp(float64(math.Float32frombits(largest))) // largest is below 2^exp
	exp = max(exp, -100) - 15                                    // and what it becomes below 65504; the factor is a float32
	kernel.Scale(nil, v, v, float32(math.Ldexp(1, -exp)), 0)
	data := make([]byte, 2*len(v))
	kernel.EncodeF16(data, v)
	return half{t: Tensor{Type: kernel.F16, Shape: t.Shape, Data: data}, exp: exp}
}
