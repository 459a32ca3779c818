package adapters

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Strategies are the ways of mixing adapters into one, which are PEFT's
// add_weighted_adapter (peft/tuners/lora/model.py, peft/utils/merge_utils.py). With
// f = weight·scale of an adapter, module by module:
//
//	cat              A = [f₁A₁; f₂A₂; …], B = [B₁, B₂, …]: exactly the weighted sum
//	linear           A = Σ sign(f)√|f|·A, B = Σ √|f|·B: cheap, cross terms come in
//	magnitude_prune  linear, of the Density largest numbers of each matrix
//	dare_linear      linear, of Density random numbers of each matrix, divided by Density
//	ties             magnitude_prune, but the mean of those numbers that have the
//	                 majority's sign at their place
//	dare_ties        the same of random numbers
//
// An adapter that lacks a module adds nothing to it, nor to the majority. One
// adapter alone is mixed linearly, whatever the strategy.
var Strategies = []string{"cat", "linear", "ties", "dare_linear", "dare_ties", "magnitude_prune"}

// ErrCannotMix is why Mix refuses adapters.
var ErrCannotMix = errors.New("these adapters cannot be mixed")

// Weighted is an adapter and its weight in a mixture.
type Weighted struct {
	*Adapter
	Weight float64 // 1: as trained; negative ones take away
}

// MixOptions say how adapters are mixed.
type MixOptions struct {
	Strategy string  // one of Strategies; "": linear
	Density  float64 // share of the numbers that is kept, above 0 and at most 1; not for cat and linear
	Majority string  // whose sign wins at a place: "total" of the numbers (also ""), or "frequency" of the signs
	Seed     uint64  // of the random choice: the same seed mixes the same
	// keep chooses among n numbers in the place of chance; for tests.
	keep func(v []float32) []bool
}

// Mix makes one adapter of several. Its numbers are float32 and its scale is 1.
// Adapters with DoRA, trained biases or modules_to_save are refused, since an
// average of them means nothing; so are mixed ranks, except by cat.
func Mix(o MixOptions, list ...Weighted) (*Adapter, error) {
	o, err := o.check(list)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotMix, err)
	}
	out := &Adapter{Replaced: map[string]Tensor{}, Copies: map[string]Tensor{}, Arch: list[0].Arch}
	var paths []string
	for _, w := range list {
		for _, m := range w.Modules {
			paths = append(paths, m.Path)
		}
		for name, t := range w.Copies {
			if _, ok := out.Copies[name]; !ok {
				out.Copies[name] = t
			}
		}
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		m, err := o.module(path, list)
		if err != nil {
			return nil, fmt.Errorf("%w: module %s: %w", ErrCannotMix, path, err)
		}
		out.Modules = append(out.Modules, m)
	}
	first := list[0].Config
	out.Config = Config{Base: first.Base, Revision: first.Revision, Task: first.Task}
	if raw, ok := first.Extra[BaseDigest]; ok {
		out.Config.Extra = map[string]json.RawMessage{BaseDigest: raw}
	}
	out.Config = describe(out)
	out.Seal()
	return out, nil
}

// check fills in defaults and names everything that cannot be mixed.
func (o MixOptions) check(list []Weighted) (MixOptions, error) {
	if o.Strategy == "" {
		o.Strategy = "linear"
	}
	if o.Majority == "" {
		o.Majority = "total"
	}
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case strings.HasSuffix(o.Strategy, "svd"):
		fail("strategy %q decomposes whole weights, which is not supported: cat gives the exact sum, at the sum of the ranks", o.Strategy)
	case !slices.Contains(Strategies, o.Strategy):
		fail("strategy is %q, want one of %s", o.Strategy, strings.Join(Strategies, ", "))
	case o.Strategy != "cat" && o.Strategy != "linear" && !(o.Density > 0 && o.Density <= 1):
		fail("density is %g, want above 0 and at most 1", o.Density)
	}
	if o.Majority != "total" && o.Majority != "frequency" {
		fail("majority is %q, want total or frequency", o.Majority)
	}
	if len(list) == 0 {
		fail("there are none")
	}
	if len(list) == 1 && len(errs) == 0 {
		o.Strategy = "linear"
	}
	for i, w := range list {
		if !isFinite(w.Weight) {
			fail("adapter %d: weight is %g", i+1, w.Weight)
		}
		if len(w.Replaced) > 0 {
			fail("adapter %d: it has %d trained biases and modules_to_save, which cannot be averaged", i+1, len(w.Replaced))
		}
		if slices.ContainsFunc(w.Modules, (*Module).DoRA) {
			fail("adapter %d: its magnitudes (DoRA) cannot be averaged", i+1)
		}
		if w.Arch != list[0].Arch && w.Arch != "" && list[0].Arch != "" {
			fail("adapter %d: it is for architecture %s, the first for %s", i+1, w.Arch, list[0].Arch)
		}
		a, b := w.Config.Extra[BaseDigest], list[0].Config.Extra[BaseDigest]
		if a != nil && b != nil && string(a) != string(b) {
			fail("adapter %d: it was trained on %s, the first on %s", i+1, a, b)
		}
	}
	return o, errors.Join(errs...)
}

// side is one of the two matrices of a module, of all adapters that have it.
type side struct {
	path, name string // "A" or "B"
	shape      []int  // of each tensor
	tensors    [][]float32
	from       []string  // generations
	factors    []float64 // of the tensors
}

// module mixes one module.
func (o MixOptions) module(path string, list []Weighted) (*Module, error) {
	a, b := side{path: path, name: "A"}, side{path: path, name: "B"}
	var found []*Module
	for _, w := range list {
		m := w.Module(path)
		if m == nil {
			continue
		}
		found = append(found, m)
		f := w.Weight * m.Scale()
		root := math.Sqrt(math.Abs(f))
		if o.Strategy == "cat" {
			a.add(w, m.A, f)
			b.add(w, m.B, 1)
		} else {
			a.add(w, m.A, math.Copysign(root, f))
			b.add(w, m.B, root)
		}
	}
	first := found[0]
	rank := 0
	for _, m := range found {
		if m.A.Shape[1] != first.A.Shape[1] || m.B.Shape[0] != first.B.Shape[0] || m.Embedding != first.Embedding {
			return nil, fmt.Errorf("A %v and B %v beside %v and %v: the adapters are for different bases", m.A.Shape, m.B.Shape, first.A.Shape, first.B.Shape)
		}
		if o.Strategy != "cat" && m.Rank() != first.Rank() {
			return nil, fmt.Errorf("ranks %d and %d: strategy %s needs equal ones, cat does not", first.Rank(), m.Rank(), o.Strategy)
		}
		rank += m.Rank()
	}
	if o.Strategy != "cat" {
		return newModule(first, F32(o.mix(a), a.shape...), F32(o.mix(b), b.shape...)), nil
	}
	return newModule(first, F32(a.stack(), rank, a.shape[1]), F32(b.beside(rank), b.shape[0], rank)), nil
}

// newModule has a scale of 1.
func newModule(like *Module, a, b Tensor) *Module {
	return &Module{Path: like.Path, Embedding: like.Embedding, Alpha: float64(a.Shape[0]), A: a, B: b}
}

func (s *side) add(w Weighted, t Tensor, factor float64) {
	s.shape = t.Shape
	s.tensors = append(s.tensors, t.Float32())
	s.from = append(s.from, w.Generation)
	s.factors = append(s.factors, factor)
}

// stack puts the rows of all A one after the other: [ΣR, In].
func (s *side) stack() []float32 {
	var out []float32
	for i, t := range s.tensors {
		for _, v := range t {
			out = append(out, float32(float64(v)*s.factors[i]))
		}
	}
	return out
}

// beside puts the columns of all B one beside the other: [Out, ΣR].
func (s *side) beside(rank int) []float32 {
	rows := s.shape[0]
	out := make([]float32, rows*rank)
	at := 0
	for _, t := range s.tensors {
		r := len(t) / rows
		for i := range rows {
			copy(out[i*rank+at:], t[i*r:(i+1)*r])
		}
		at += r
	}
	return out
}
