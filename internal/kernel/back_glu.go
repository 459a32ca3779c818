package kernel

import (
	"fmt"
	"math"
)

// GLUBack computes what y = act(gate)*up passes back of gy:
//
//	gg = gy up act'(gate)   gu = gy act(gate)
//
// With a nil up it is y = act(gate), and gu is nil too. Either may be nil when it is
// not wanted.
func GLUBack(p *Pool, gg, gu, gy, gate, up []float32, act Activation) {
	for _, x := range [][]float32{gg, gu, gy, up} {
		if x != nil && len(x) != len(gate) {
			panic(fmt.Sprintf("kernel: gradient of %d numbers of a gated unit of %d", len(x), len(gate)))
		}
	}
	t := spareGLU.take()
	t.gg, t.gu, t.gy, t.gate, t.up, t.act = gg, gu, gy, gate, up, act
	p.Run((len(gate)+cut-1)/cut, t)
	spareGLU.put(t)
}

var spareGLU spare[gluBack]

type gluBack struct {
	gg, gu, gy, gate, up []float32
	act                  Activation
}

// Do is one piece of cut numbers.
func (t *gluBack) Do(i int) {
	var value, slope [256]float32
	lo, end := i*cut, min(len(t.gate), (i+1)*cut)
	if t.act == SiLU && t.gg != nil && t.gu != nil && t.up != nil {
		lo += siluBackFast(t.gg[lo:end], t.gu[lo:end], t.gy[lo:end], t.gate[lo:end], t.up[lo:end])
	}
	for ; lo < end; lo += len(value) {
		hi := min(end, lo+len(value))
		f, d, gy := value[:hi-lo], slope[:hi-lo], t.gy[lo:hi]
		slopes(f, d, t.gate[lo:hi], t.act)
		if t.gg != nil {
			to := t.gg[lo:hi]
			if t.up == nil {
				for j, v := range gy {
					to[j] = float32(v * d[j])
				}
			} else {
				up := t.up[lo:hi]
				for j, v := range gy {
					to[j] = float32(float32(v*up[j]) * d[j])
				}
			}
		}
		if t.gu != nil {
			to := t.gu[lo:hi]
			for j, v := range gy {
				to[j] = float32(v * f[j])
			}
		}
	}
}

// gluBackStep is one call of siluBackFast's assembly.
type gluBackStep struct {
	gg, gu, gy, gate, up *float32
	n                    int
}

// slopes computes f = act(x) and d = act'(x).
func slopes(f, d, x []float32, act Activation) {
	switch act {
	case SiLU: // x s and s (1 + x (1-s)), s = 1/(1+e^-x)
		scale(d, x, -1)
		expShifted(d, d, 0)
		for i, v := range x {
			s := 1 / (d[i] + 1)
			f[i] = float32(v * s)
			d[i] = float32(s * (float32(v*(1-s)) + 1))
		}
	case GELUTanh: // x s and s + x s (1-s) u', s = 1/(1+e^-u), u = 2 sqrt(2/π) (x + 0.044715 x³)
		const c = 1.5957691216057308
		for i, v := range x {
			d[i] = float32(-c*v) * float32(1+float32(float32(0.044715*v)*v))
		}
		expShifted(d, d, 0)
		for i, v := range x {
			s := 1 / (d[i] + 1)
			f[i] = float32(v * s)
			slope := float32(c * (1 + float32(float32(3*0.044715*v)*v)))
			d[i] = s
			if s > 0 && s < 1 { // far out the slope may be infinite
				d[i] += float32(float32(f[i]*(1-s)) * slope)
			}
		}
	case GELU: // x Φ(x) and Φ(x) + x φ(x)
		for i, v := range x {
			w := float64(v)
			phi := 0.5 * math.Erfc(-w/math.Sqrt2)
			f[i] = float32(w * phi)
			d[i] = float32(phi + w*math.Exp(-w*w/2)/math.Sqrt(2*math.Pi))
		}
	case Tanh:
		activate(f, x, nil, Tanh)
		for i, v := range f {
			d[i] = 1 - float32(v*v)
		}
	}
}

// ScaleBack adds to gx what y = Scale(x, s, limit) passes back of gy: s gy, times
// 1-(y/limit)² when there is a limit.
func ScaleBack(p *Pool, gx, gy, y []float32, s, limit float32) {
	if len(gx) != len(gy) || limit > 0 && len(y) != len(gy) {
		panic(fmt.Sprintf("kernel: gradient of %d numbers scaled into %d", len(gy), len(gx)))
	}
	t := spareRows.take()
	t.y, t.b, t.x, t.s, t.c = gx, gy, y, s, limit
	t.do = func(t *rowTask, lo, hi int) {
		lo, hi = lo*cut, min(hi*cut, len(t.y))
		if t.c <= 0 {
			mulAdd(t.y[lo:hi], t.b[lo:hi], t.s, t.y[lo:hi])
			return
		}
		for i := lo; i < hi; i++ {
			r := t.x[i] / t.c
			t.y[i] += float32(float32(t.s*t.b[i]) * (1 - float32(r*r)))
		}
	}
	t.run(p, (len(gy)+cut-1)/cut, 2*cut)
}
