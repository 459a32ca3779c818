package adapters

import (
	"math"
	"slices"
	"strings"
)

// Adapter is what a LoRA file says, in the names and the row order of the Hugging
// Face model, whatever format it came in. It owns its memory and is not changed
// after it was read: many goroutines may use it.
type Adapter struct {
	Config  Config
	Modules []*Module // sorted by Path
	// Replaced are whole parameters that take the place of the base's, by name:
	// modules_to_save ("lm_head.weight") and trained biases ("….q_proj.bias").
	Replaced map[string]Tensor
	// Copies are parameters of the base that PEFT stores beside an adapter of the
	// table ("model.embed_tokens.weight"). They tell whether the base is the one.
	Copies map[string]Tensor
	// Arch is the architecture that a GGUF file names; "" in other formats.
	Arch string
	// Card is the README.md that goes with the folder; "": none. It is no part of the
	// content.
	Card string
	// Generation is the digest of the content, see doc.go: "sha256:…".
	Generation string
}

// Module is the update of one projection, W' = W + s·B·A.
type Module struct {
	Path  string // of the Hugging Face module: "model.layers.0.self_attn.q_proj"
	Alpha float64
	RS    bool // rank-stabilised: the scale is alpha/√r
	// A is [R, In] and B [Out, R]. In an embedding, A is [R, V] and B [D, R], and
	// the update of the table [V, D] is s·(B·A)ᵀ.
	A, B      Tensor
	Embedding bool
	// Magnitude [Out] makes it DoRA: each row of W + s·B·A is stretched to this
	// length. Empty otherwise.
	Magnitude Tensor
}

// Rank is R.
func (m *Module) Rank() int { return m.A.Shape[0] }

// DoRA tells whether rows have magnitudes.
func (m *Module) DoRA() bool { return m.Magnitude.Shape != nil }

// Scale is s: alpha/R, or alpha/√R when rank-stabilised.
func (m *Module) Scale() float64 { return scaleOf(m.Alpha, m.Rank(), m.RS) }

func scaleOf(alpha float64, rank int, rs bool) float64 {
	if rs {
		return alpha / math.Sqrt(float64(rank))
	}
	return alpha / float64(rank)
}

// Module finds a module by its path; nil: there is none.
func (a *Adapter) Module(path string) *Module {
	i, ok := slices.BinarySearchFunc(a.Modules, path, func(m *Module, p string) int { return strings.Compare(m.Path, p) })
	if !ok {
		return nil
	}
	return a.Modules[i]
}

// Rank is the largest of the modules' ranks.
func (a *Adapter) Rank() int {
	r := 0
	for _, m := range a.Modules {
		r = max(r, m.Rank())
	}
	return r
}

// Bytes is what the numbers take that are needed to serve the adapter.
func (a *Adapter) Bytes() int64 {
	n := 0
	for _, m := range a.Modules {
		n += len(m.A.Data) + len(m.B.Data) + len(m.Magnitude.Data)
	}
	for _, t := range a.Replaced {
		n += len(t.Data)
	}
	return int64(n)
}

// Seal sorts the modules and takes the digest. Readers do so; who makes an adapter
// in memory calls it last.
func (a *Adapter) Seal() {
	slices.SortFunc(a.Modules, func(x, y *Module) int { return strings.Compare(x.Path, y.Path) })
	a.Generation = digest(a)
}

// Limits bound what a reader takes in before it allocates anything of that size.
// Zero fields stand for the defaults.
type Limits struct {
	Bytes   int64 // of the file with the tensors; 2 GiB
	Rank    int   // of a module; 4096
	Tensors int   // in the file; 65536
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 2 << 30
	}
	if l.Rank == 0 {
		l.Rank = 4096
	}
	if l.Tensors == 0 {
		l.Tensors = 1 << 16
	}
	return l
}
