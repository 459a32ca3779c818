// Package opstest holds the plain implementation of model.Ops, the suite that
// every other one must pass, and the identities that every architecture must
// keep on them.
package opstest

import (
	"fmt"
	"math"

	"graft/internal/model"
)

// Reference computes every operation by its definition, summing in float64. It
// is slow, allocates at will, and keeps keys and values as they come.
type Reference struct {
	BlockLen int // tokens of a cache block
	batch    *model.Batch
	kv       map[slot][2][]float32 // key and value of a token: [G*K] each
	last     int32                 // ID of the last value
}

// slot is a place in the cache.
type slot struct {
	layer int
	block int32
	at    int
}

// NewReference has a cache without end, of blocks of blockLen tokens.
func NewReference(blockLen int) *Reference {
	return &Reference{BlockLen: blockLen, kv: map[slot][2][]float32{}}
}

func (r *Reference) value(rows, width int) model.Value {
	r.last++
	return model.Value{Data: make([]float32, rows*width), Rows: rows, Width: width, ID: r.last}
}

// Begin implements model.Ops, as do all that follow.
func (r *Reference) Begin(b *model.Batch) {
	b.Begin()
	r.batch = b
}

// Embed looks up and scales.
func (r *Reference) Embed(table *model.Linear, ids []int32, scale float32) model.Value {
	y := r.value(len(ids), table.W.Cols)
	for i, id := range ids {
		row := row(y, i)
		table.W.Row(row, int(id))
		for j := range row {
			row[j] *= scale
		}
	}
	return y
}

// Norm is x / sqrt(mean(x²) + eps) * weight, of x less its mean when centred.
func (r *Reference) Norm(x model.Value, n *model.Norm) model.Value {
	y := r.value(x.Rows, x.Width)
	w := len(n.Weight)
	for at := 0; at < len(x.Data); at += w {
		in, out := x.Data[at:at+w], y.Data[at:at+w]
		var mean, square float64
		for _, v := range in {
			mean += float64(v) / float64(w)
		}
		if !n.Center {
			mean = 0
		}
		for _, v := range in {
			square += (float64(v) - mean) * (float64(v) - mean) / float64(w)
		}
		for i, v := range in {
			z := (float64(v) - mean) / math.Sqrt(square+float64(n.Eps)) * float64(n.Weight[i])
			if n.Bias != nil {
				z += float64(n.Bias[i])
			}
			out[i] = float32(z)
		}
	}
	return y
}

// Linear is x Wᵀ + b with the dequantised weight.
func (r *Reference) Linear(x model.Value, w *model.Linear) model.Value {
	if x.Width != w.W.Cols {
		panic(fmt.Sprintf("opstest: %s: input of %d numbers, want %d", w.Name, x.Width, w.W.Cols))
	}
	y := r.value(x.Rows, w.W.Rows)
	weight := make([]float32, w.W.Cols)
	for o := range w.W.Rows {
		w.W.Row(weight, o)
		for t := range x.Rows {
			sum := dot(row(x, t), weight)
			if w.B != nil {
				sum += float64(w.B[o])
			}
			y.Data[t*y.Width+o] = float32(sum)
		}
	}
	return y
}

// Linears is Linear of each.
func (r *Reference) Linears(x model.Value, w []*model.Linear) (all []model.Value) {
	for _, w := range w {
		all = append(all, r.Linear(x, w))
	}
	return all
}

// Rope rotates x[i], x[i+Dims/2] of each head by position*InvFreq[i].
func (r *Reference) Rope(x model.Value, rope *model.Rope) model.Value {
	y := r.value(x.Rows, x.Width)
	copy(y.Data, x.Data)
	half := rope.Dims / 2
	for _, s := range r.batch.Segs {
		freq := rope.InvFreq
		if rope.InvFreqLong != nil && s.Limit > rope.OriginalContext {
			freq = rope.InvFreqLong
		}
		for t := range s.Len {
			out := row(y, s.Row+t)
			for h := 0; h < len(out); h += rope.HeadDim {
				for i := range half {
					sin, cos := math.Sincos(float64(s.Past+t) * float64(freq[i]))
					a, b := float64(out[h+i]), float64(out[h+i+half])
					m := float64(rope.MScale)
					out[h+i] = float32(m * (a*cos - b*sin))
					out[h+i+half] = float32(m * (b*cos + a*sin))
				}
			}
		}
	}
	return y
}

// Attend is softmax(scale * q kᵀ) v over the keys that each query may see.
func (r *Reference) Attend(q, k, v model.Value, a *model.Attention) model.Value {
	y := r.value(q.Rows, q.Width)
	for _, s := range r.batch.Segs {
		keys, values := r.store(&s, k, v, a)
		for t := range s.Len {
			pos := s.Past + t
			first, end := 0, len(keys)
			if a.Causal {
				end = pos + 1
			}
			if a.Window > 0 {
				first = max(0, pos+1-a.Window)
			}
			for h := range a.Heads {
				g := h / (a.Heads / a.KVHeads) * a.HeadDim
				part := func(x []float32) []float32 { return x[g : g+a.HeadDim] }
				query := row(q, s.Row+t)[h*a.HeadDim : (h+1)*a.HeadDim]
				out := row(y, s.Row+t)[h*a.HeadDim : (h+1)*a.HeadDim]
				attend(out, query, keys[first:end], values[first:end], part, a)
			}
		}
	}
	return y
}

// store files the rows of s and returns all keys and values of its sequence.
func (r *Reference) store(s *model.Segment, k, v model.Value, a *model.Attention) (keys, values [][]float32) {
	past := s.Past
	if !a.Causal {
		past = 0
	}
	for p := range past + s.Len {
		var kv [2][]float32
		if !a.Causal {
			kv = [2][]float32{row(k, s.Row+p), row(v, s.Row+p)}
		} else {
			at := slot{a.Layer, s.Blocks[p/r.BlockLen], p % r.BlockLen}
			if p >= past {
				r.kv[at] = [2][]float32{
					append([]float32(nil), row(k, s.Row+p-past)...), append([]float32(nil), row(v, s.Row+p-past)...),
				}
			}
			kv = r.kv[at]
		}
		keys, values = append(keys, kv[0]), append(values, kv[1])
	}
	return keys, values
}

// attend is one head of one query; part picks the key/value head.
func attend(out, q []float32, keys, values [][]float32, part func([]float32) []float32, a *model.Attention) {
	logits := make([]float64, len(keys))
	top := math.Inf(-1)
	for i, k := range keys {
		logits[i] = capped(float64(a.Scale)*dot(q, part(k)), a.SoftCap)
		top = max(top, logits[i])
	}
	var sum float64
	for i := range logits {
		logits[i] = math.Exp(logits[i] - top)
		sum += logits[i]
	}
	for d := range out {
		var z float64
		for i, v := range values {
			z += logits[i] / sum * float64(part(v)[d])
		}
		out[d] = float32(z)
	}
}

// Gated is act(w[0] x) * (w[1] x).
func (r *Reference) Gated(x model.Value, w *[2]*model.Linear, act model.Activation) model.Value {
	return r.GLU(r.Linear(x, w[0]), r.Linear(x, w[1]), act)
}

// GLU is act(gate) * up.
func (r *Reference) GLU(gate, up model.Value, act model.Activation) model.Value {
	y := r.value(gate.Rows, gate.Width)
	for i, v := range gate.Data {
		z := activate(float64(v), act)
		if up.Data != nil {
			z *= float64(up.Data[i])
		}
		y.Data[i] = float32(z)
	}
	return y
}

func activate(x float64, act model.Activation) float64 {
	switch act {
	case model.SiLU:
		return x / (1 + math.Exp(-x))
	case model.GELU:
		return x / 2 * (1 + math.Erf(x/math.Sqrt2))
	case model.GELUTanh:
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	case model.Tanh:
		return math.Tanh(x)
	}
	panic(fmt.Sprintf("opstest: activation %d", act))
}

// Add is a + b, b of one row going to every row.
func (r *Reference) Add(a, b model.Value) model.Value {
	y := r.value(a.Rows, a.Width)
	for i := range y.Data {
		y.Data[i] = a.Data[i] + b.Data[i%len(b.Data)]
	}
	return y
}

// Residual is x + y.
func (r *Reference) Residual(x, y model.Value) model.Value { return r.Add(x, y) }

// Scale is s*x, capped.
func (r *Reference) Scale(x model.Value, s, softCap float32) model.Value {
	y := r.value(x.Rows, x.Width)
	for i, v := range x.Data {
		y.Data[i] = float32(capped(float64(s)*float64(v), softCap))
	}
	return y
}

// Select keeps rows.
func (r *Reference) Select(x model.Value, rows []int32) model.Value {
	y := r.value(len(rows), x.Width)
	for i, from := range rows {
		copy(row(y, i), row(x, int(from)))
	}
	return y
}

// Layer runs f.
func (r *Reference) Layer(f model.LayerFunc, x model.Value) model.Value {
	return f(r, r.batch, x)
}

func row(v model.Value, i int) []float32 { return v.Data[i*v.Width : (i+1)*v.Width] }

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func capped(x float64, softCap float32) float64 {
	if softCap == 0 {
		return x
	}
	return float64(softCap) * math.Tanh(x/float64(softCap))
}
