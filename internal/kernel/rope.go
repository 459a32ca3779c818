package kernel

import (
	"fmt"
	"math"
	"slices"
)

// Rotary rotates pairs of numbers by angles that grow with the position (RoPE),
// in the half-split layout: of each head the first 2n numbers, i paired with i+n,
// where n is the number of frequencies. Tables of cosines and sines grow with the
// positions asked for. It serves one goroutine at a time.
type Rotary struct {
	invFreq  []float32
	mscale   float32
	cos, sin []float32 // [positions, len(invFreq)]
}

// NewRotary takes the angles per position, in radians, and a factor on cosines and
// sines, usually 1. Angles are position times frequency in float32, as
// transformers computes them (modeling_rope_utils.py and each model's rotary
// embedding), their cosines and sines exact to the last bit of float32.
func NewRotary(invFreq []float32, mscale float32) *Rotary {
	return &Rotary{invFreq: invFreq, mscale: mscale}
}

// Dims is how many numbers of each head are rotated.
func (r *Rotary) Dims() int { return 2 * len(r.invFreq) }

// Grow computes the tables for positions below n, and a few more.
func (r *Rotary) Grow(n int) {
	have := len(r.cos) / max(1, len(r.invFreq))
	if n <= have {
		return
	}
	const step = 64
	n = (n + step - 1) / step * step
	r.cos = slices.Grow(r.cos, n*len(r.invFreq)-len(r.cos))
	r.sin = slices.Grow(r.sin, n*len(r.invFreq)-len(r.sin))
	for pos := have; pos < n; pos++ {
		for _, f := range r.invFreq {
			s, c := math.Sincos(float64(float32(pos) * f))
			r.cos = append(r.cos, float32(c)*r.mscale)
			r.sin = append(r.sin, float32(s)*r.mscale)
		}
	}
}

// Rows rotates x [len(pos), heads*headDim] into y: the heads of row i by position
// pos[i]. y may be x.
func (r *Rotary) Rows(p *Pool, y, x []float32, heads, headDim int, pos []int32) {
	if n := len(pos) * heads * headDim; len(x) != n || len(y) != n || r.Dims() > headDim {
		panic(fmt.Sprintf("kernel: rotation of %d numbers into %d: %d rows of %d heads of %d, %d rotated", len(x), len(y), len(pos), heads, headDim, r.Dims()))
	}
	if len(pos) == 0 {
		return
	}
	r.Grow(int(slices.Max(pos)) + 1)
	t := spareRows.take()
	t.y, t.x, t.rope, t.pos, t.heads, t.width = y, x, r, pos, heads, headDim
	t.do = func(t *rowTask, lo, hi int) {
		n := len(t.rope.invFreq)
		for i := lo; i < hi; i++ {
			at := int(t.pos[i]) * n
			cos, sin := t.rope.cos[at:at+n], t.rope.sin[at:at+n]
			for h := range t.heads {
				k := (i*t.heads + h) * t.width
				rotate(t.y[k:k+t.width], t.x[k:k+t.width], cos, sin)
			}
		}
	}
	t.run(p, len(pos), heads*headDim)
}
