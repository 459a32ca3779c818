package model

import "graft/internal/kernel"

// Value is an activation: Rows x Width numbers, row-major. Data is valid until
// the enclosing Layer returns or adds to its input (Residual), and the result of a
// Layer until the next.
// ID names the value within its pass; a tape keeps its own record under it.
type Value struct {
	Data  []float32 // [Rows, Width]
	Rows  int
	Width int
	ID    int32 // from 1; 0 is no value
}

// Linear is one projection y = x Wᵀ + b. Adapters and trainers address it by the
// module path of the Hugging Face model ("model.layers.3.self_attn.q_proj"),
// whatever file format the weight came from. W hides the storage format.
//
// A module that holds several projections (Phi-3: qkv_proj, gate_up_proj) becomes
// one Linear for each, named after the module with the part appended
// ("model.layers.3.self_attn.qkv_proj.k"). An adapter of the module applies to
// each part with the same A and with the rows of B from Start on.
type Linear struct {
	Name   string
	Module string         // module path; equal to Name but for parts of a module
	Start  int            // first row within the module
	Index  int            // position in Model.Linears; adapters are looked up by it
	Wide   bool           // its products deserve more than 8 bits of activations: the head
	W      *kernel.Matrix // [Out, In], rows in Hugging Face order
	B      []float32      // [Out], nil when there is none
}

// Norm is an RMS norm (Bias nil, Center false) or a layer norm. When
// len(Weight) is less than the width of the input, each group of len(Weight)
// numbers is normalised by itself (the per-head norms of Qwen 3 and Gemma 3).
// Weight already holds the +1 of Gemma.
type Norm struct {
	Name   string
	Weight []float32
	Bias   []float32 // nil for RMS norms
	Eps    float32
	Center bool // true: subtract the mean (layer norm)
}

// Rope is a rotary embedding over the first Dims numbers of each head, in the
// half-split layout of Hugging Face (x[i] pairs with x[i+Dims/2]).
type Rope struct {
	HeadDim int
	Dims    int
	InvFreq []float32 // [Dims/2] radians per position, scaling already applied
	// InvFreqLong replaces InvFreq for sequences that will grow beyond
	// OriginalContext tokens (Phi-3 long rope); nil otherwise.
	InvFreqLong     []float32
	OriginalContext int
	MScale          float32 // factor on cos and sin; 1 for most models
}

// Attention describes one layer's attention.
type Attention struct {
	Layer   int // index into the cache
	Heads   int // H
	KVHeads int // G
	HeadDim int // K
	Scale   float32
	Window  int     // tokens a query may look back, itself included; 0: all
	SoftCap float32 // 0: none; else logits become cap*tanh(logits/cap)
	Causal  bool    // false: encoders; keys and values are then not cached
	// Last is the last layer of a model that writes. No row looks at another after it, so it goes on
	// with those that the head is asked for alone, and of the others has no more than keys and values.
	Last bool
}

// wanted are the rows of x, the layer's input, and of h, what attention made of it, that the layer goes on with:
// all, or those of b.Logits, maybe none.
func (a *Attention) wanted(o Ops, b *Batch, x, h Value) (Value, Value) {
	if !a.Last || !b.some() {
		return x, h
	}
	return o.Select(x, b.Logits), o.Select(h, b.Logits)
}

// Activation names the non-linearity of GLU.
type Activation = kernel.Activation

// Activations in use by the architectures.
const (
	SiLU     = kernel.SiLU     // x*sigmoid(x)
	GELU     = kernel.GELU     // x*Phi(x), by erf
	GELUTanh = kernel.GELUTanh // the tanh approximation of GELU
	Tanh     = kernel.Tanh     // tanh(x)
)

// LayerFunc computes one layer; b is the batch that Ops was started with.
type LayerFunc func(o Ops, b *Batch, x Value) Value

// Ops is what an architecture is written against. Serving runs it over paged
// keys and values with adapter segments (ServeOps); training records it on a
// tape and pushes the paired backward. Every method returns a new Value, and
// none may modify its arguments, but for Rope and Residual, which use theirs up.
type Ops interface {
	// Begin starts a pass over b. Values of the pass before are no longer valid.
	Begin(b *Batch)
	// Embed looks up rows of a [V, D] table and multiplies them by scale.
	Embed(table *Linear, ids []int32, scale float32) Value
	// Norm normalises each row (or each group of a row, see Norm).
	Norm(x Value, n *Norm) Value
	// Linear projects: [T, In] -> [T, Out].
	Linear(x Value, w *Linear) Value
	// Linears projects with several matrices that have the same input: their outputs,
	// in the order of w, in a slice that is valid until the next Linears.
	Linears(x Value, w []*Linear) []Value
	// Gated is GLU of two projections of x: act(w[0] x) * (w[1] x), elementwise.
	Gated(x Value, w *[2]*Linear, act Activation) Value
	// Rope rotates each head of x by the position of its row. x is not used after it.
	Rope(x Value, r *Rope) Value
	// Attend stores k and v of these rows in the cache and returns the
	// attention of q: q [T, H*K], k and v [T, G*K] -> [T, H*K]. If a is of the last layer and
	// Model.Forward runs it, rows that are not in the batch's Logits may have any numbers.
	Attend(q, k, v Value, a *Attention) Value
	// GLU is act(gate) * up, elementwise. With an empty up it is act(gate).
	GLU(gate, up Value, act Activation) Value
	// Add is the elementwise sum. A b of one row is added to every row of a.
	Add(a, b Value) Value
	// Residual adds what a part of a layer made, y, to the layer's input, x, or to what
	// an earlier part has made of it. Of the values of the layer its result alone is used
	// after it, so that all parts can work in the same memory.
	Residual(x, y Value) Value
	// Scale is s*x; a softCap above 0 then makes it cap*tanh(s*x/cap).
	Scale(x Value, s, softCap float32) Value
	// Select keeps the named rows of x, in that order.
	Select(x Value, rows []int32) Value
	// Layer runs one layer. Memory of the values made inside is reused
	// afterwards, the result excepted; a tape keeps x and runs f again in the
	// backward pass.
	Layer(f LayerFunc, x Value) Value
}
