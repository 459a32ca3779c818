package kernel

import "fmt"

// Activation names an elementwise function.
type Activation uint8

// Activations.
const (
	SiLU     Activation = iota // x/(1+e^-x)
	GELU                       // x Φ(x), as torch's gelu
	GELUTanh                   // the tanh approximation of GELU
	Tanh
)

var activations = [...]struct {
	name string
	f    func(float32) float32
}{
	SiLU:     {"silu", silu32},
	GELU:     {"gelu", gelu32},
	GELUTanh: {"gelu_tanh", geluTanh32},
	Tanh:     {"tanh", tanh32},
}

// String is the name.
func (a Activation) String() string { return activations[a].name }

// GLU is y = act(gate) * up, elementwise; with a nil up it is y = act(gate). y may
// be gate or up.
func GLU(p *Pool, y, gate, up []float32, act Activation) {
	if len(y) != len(gate) || up != nil && len(up) != len(gate) {
		panic(fmt.Sprintf("kernel: gated unit of %d and %d numbers into %d", len(gate), len(up), len(y)))
	}
	t := spareRows.take()
	t.y, t.x, t.w, t.act = y, gate, up, act
	t.do = func(t *rowTask, lo, hi int) {
		lo, hi = lo*cut, min(hi*cut, len(t.x))
		w := t.w
		if w != nil {
			w = w[lo:hi]
		}
		activate(t.y[lo:hi], t.x[lo:hi], w, t.act)
	}
	t.run(p, (len(gate)+cut-1)/cut, 4*cut)
}
