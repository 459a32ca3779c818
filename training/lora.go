package training

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"graft/internal/model"
)

// Param is one trained matrix, with its gradient and the moments of AdamW.
type Param struct {
	Name       string    // as PEFT calls it, without the prefix: "model.layers.0.self_attn.q_proj.lora_A.weight"
	Rows, Cols int       // Cols is 0 when it is a vector
	Data       []float32 // [Rows, Cols]
	Grad       []float32 // of the sum over the tokens, not yet divided
	M, V       []float32 // moments
}

func newParam(name string, rows, cols int) *Param {
	n := rows * max(1, cols)
	return &Param{name, rows, cols, make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)}
}

// Shape is [Rows, Cols], or [Rows].
func (p *Param) Shape() []int {
	if p.Cols == 0 {
		return []int{p.Rows}
	}
	return []int{p.Rows, p.Cols}
}

// ModuleSpec says that a module of the model is adapted, and how.
type ModuleSpec struct {
	Path   string // of the Hugging Face module: "model.layers.0.self_attn.q_proj"
	Rank   int
	Alpha  float64
	RSLoRA bool // the scale is alpha/√rank, else alpha/rank
	// DoRA trains the lengths of the rows of W + s B A apart from their directions.
	DoRA bool
}

// Module is the update of one module: y = W x + s B A drop(x). With DoRA it is
// y = m/‖W + s B A‖ (W x + s B A drop(x)) row by row (Liu et al., "DoRA: weight-decomposed
// low-rank adaptation", 2024), where the lengths count as constants in the gradient.
type Module struct {
	ModuleSpec
	In, Out int
	Scale   float32
	A       *Param // [Rank, In]
	B       *Param // [Out, Rank]
	M       *Param // [Out] m; nil: no DoRA

	key     uint64    // of the masks of dropout
	lengths []float64 // [Out] ‖W‖² of each row, with DoRA
	stretch []float32 // [Out] m/‖W + s B A‖ in this pass, with DoRA
}

// Adapter is the parameters in training.
type Adapter struct {
	Modules []*Module // in the order of the computation
	Dropout float32   // of the input of A, while training

	byLinear []*Module // by model.Linear.Index; nil: not adapted
}

// Targets finds the modules whose paths are one of names or end with "." and one of
// them; "all-linear" stands for all but the head and the embeddings. A name that
// fits no module is an error.
func Targets(m *model.Model, names []string) ([]string, error) {
	var paths []string
	for _, name := range names {
		found := false
		for _, l := range m.Linears {
			all := name == "all-linear" && !l.Wide && !isTable(m, l)
			if all || l.Module == name || strings.HasSuffix(l.Module, "."+name) {
				if isTable(m, l) {
					return nil, fmt.Errorf("target %q: %s is a table of embeddings, which graft does not train", name, l.Module)
				}
				found = true
				if !slices.Contains(paths, l.Module) {
					paths = append(paths, l.Module)
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("target %q: the model has no such module; it has %s", name, strings.Join(leaves(m), ", "))
		}
	}
	return paths, nil
}

// isTable tells tables, which are looked up and not multiplied with.
func isTable(_ *model.Model, l *model.Linear) bool {
	return strings.Contains(l.Module, "embed")
}

// leaves are the last parts of the paths of all modules, each once.
func leaves(m *model.Model) (names []string) {
	for _, l := range m.Linears {
		name := l.Module[strings.LastIndexByte(l.Module, '.')+1:]
		if !slices.Contains(names, name) && !isTable(m, l) {
			names = append(names, name)
		}
	}
	return names
}

// NewAdapter makes the parameters for a model: A drawn uniformly from ±1/√In as PEFT
// does, each tensor from a key of its own, B zero. So the first step leaves the
// model as it is.
func NewAdapter(m *model.Model, specs []ModuleSpec, dropout float32, seed uint64) (*Adapter, error) {
	if !(dropout >= 0 && dropout < 1) {
		return nil, fmt.Errorf("dropout is %v, want a number from 0 to below 1", dropout)
	}
	if len(specs) == 0 {
		return nil, fmt.Errorf("no module is to be adapted")
	}
	if m.Config.Encoder {
		return nil, fmt.Errorf("the model is an encoder; adapters are trained for models that write text")
	}
	a := &Adapter{Dropout: dropout, byLinear: make([]*Module, len(m.Linears))}
	byPath := map[string]*Module{}
	for _, s := range specs {
		if s.Rank < 1 || !(s.Alpha > 0) || math.IsInf(s.Alpha, 0) {
			return nil, fmt.Errorf("module %s: rank %d and alpha %v, want both above 0", s.Path, s.Rank, s.Alpha)
		}
		if byPath[s.Path] != nil {
			return nil, fmt.Errorf("module %s is named twice", s.Path)
		}
		byPath[s.Path] = &Module{ModuleSpec: s, key: keyOf(seed, "dropout "+s.Path)}
	}
	for i, l := range m.Linears {
		mod := byPath[l.Module]
		if mod == nil {
			continue
		}
		if isTable(m, l) {
			return nil, fmt.Errorf("module %s is a table of embeddings, which graft does not train", l.Module)
		}
		if mod.DoRA && l.Wide {
			return nil, fmt.Errorf("module %s is the head, which graft does not train with DoRA", l.Module)
		}
		if mod.Out == 0 {
			a.Modules = append(a.Modules, mod)
		}
		mod.In, mod.Out = l.W.Cols, max(mod.Out, l.Start+l.W.Rows)
		a.byLinear[i] = mod
	}
	for _, s := range specs {
		if byPath[s.Path].Out == 0 {
			return nil, fmt.Errorf("module %s: the model has no such module", s.Path)
		}
	}
	for _, mod := range a.Modules {
		scale := mod.Alpha / float64(mod.Rank)
		if mod.RSLoRA {
			scale = mod.Alpha / math.Sqrt(float64(mod.Rank))
		}
		mod.Scale = float32(scale)
		mod.A = newParam(mod.Path+".lora_A.weight", mod.Rank, mod.In)
		mod.B = newParam(mod.Path+".lora_B.weight", mod.Out, mod.Rank)
		if mod.DoRA {
			mod.measure(m)
		}
		fillUniform(mod.A.Data, keyOf(seed, mod.A.Name), 1/math.Sqrt(float64(mod.In)))
	}
	return a, nil
}

// Params are all trained matrices, in the order of the computation.
func (a *Adapter) Params() []*Param {
	list := make([]*Param, 0, 2*len(a.Modules))
	for _, m := range a.Modules {
		list = append(list, m.A, m.B)
		if m.M != nil {
			list = append(list, m.M)
		}
	}
	return list
}

// Size is how many numbers are trained.
func (a *Adapter) Size() (n int) {
	for _, p := range a.Params() {
		n += len(p.Data)
	}
	return n
}
