package adapters

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"graft/internal/kernel"
	"graft/internal/model"
)

// Bound is an adapter that fits a model, cut to the model's projections.
type Bound struct {
	*Adapter
	Base   *Base
	Parts  []Part
	Whole  []Replacement
	Report Report
}

// Part is the update of one projection: W' = W + Scale·B·A, rows stretched by
// Stretch.
type Part struct {
	Linear *model.Linear
	Module *Module
	A, B   Tensor // [R, In], [Out, R]; of a table [R, V], [D, R]; the parts of a fused module share A
	Scale  float32
	// Stretch [Out] is m/‖W + s·B·A‖ of each row in DoRA, nil otherwise: the output
	// is Stretch ⊙ (Wx + s·B(Ax)), before the bias.
	Stretch []float32
}

// Replacement is a trained parameter in the place of the base's.
type Replacement struct {
	Linear *model.Linear
	W      Tensor // [Out, In]; Shape nil: the base's stays
	B      Tensor // [Out]; the same
}

// Report is what became of an adapter.
type Report struct {
	Generation string       `json:"generation"`
	Base       string       `json:"base,omitempty"` // that the file names
	Rank       int          `json:"rank"`
	Applied    int          `json:"modules_applied"`
	Expected   int          `json:"modules_expected"`
	Replaced   int          `json:"parameters_replaced"` // trained biases and modules_to_save
	Bytes      int64        `json:"bytes"`
	Norm       float64      `json:"norm"` // ‖ΔW‖/‖W‖ of all updated modules together
	Modules    []ModuleNorm `json:"modules"`
}

// ModuleNorm is how much a module changes.
type ModuleNorm struct {
	Path  string  `json:"path"`
	Rank  int     `json:"rank"`
	Scale float64 `json:"scale"`
	Norm  float64 `json:"norm"` // ‖ΔW‖/‖W‖, Frobenius norms
}

// Check fits an adapter to the model. Whatever does not fit is an error, and the
// error names all of it: modules and parameters that the model does not have,
// shapes, numbers that are not finite, modules that the configuration targets but
// the file lacks, another base.
func (b *Base) Check(a *Adapter) (*Bound, error) { return b.check(a, (*checker).measure) }

// Fit is Check without the Report, whose norms take time: for adapters that were
// checked before against the same model.
func (b *Base) Fit(a *Adapter) (*Bound, error) { return b.check(a, (*checker).stretch) }

func (b *Base) check(a *Adapter, finish func(*checker)) (*Bound, error) {
	k := &checker{Base: b, out: &Bound{Adapter: a, Base: b}}
	k.base(a)
	for _, m := range a.Modules {
		k.module(m)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Replaced)) {
		k.replaced(name, a.Replaced[name])
	}
	for _, name := range slices.Sorted(maps.Keys(a.Copies)) {
		k.copied(name, a.Copies[name])
	}
	k.expect(a)
	if len(k.out.Parts)+len(k.out.Whole) == 0 {
		k.fail("no module of the model is changed")
	}
	if len(k.errs) == 0 {
		finish(k)
	}
	if len(k.errs) > 0 {
		return nil, errors.Join(k.errs...)
	}
	return k.out, nil
}

type checker struct {
	*Base
	out  *Bound
	errs []error
}

func (k *checker) fail(format string, args ...any) {
	k.errs = append(k.errs, fmt.Errorf(format, args...))
}

// base compares what the adapter says of its base.
func (k *checker) base(a *Adapter) {
	if arch := k.model.Config.GGUFArch(); a.Arch != "" && a.Arch != arch {
		k.fail("the adapter is for architecture %s, the model is %s", a.Arch, arch)
	}
	raw, ok := a.Config.Extra[BaseDigest]
	var digest string
	if ok && json.Unmarshal(raw, &digest) == nil && digest != "" && len(k.digests) > 0 && !slices.Contains(k.digests, digest) {
		k.fail("the adapter was trained on %s, the model is %v", digest, k.digests)
	}
}

// module fits one module.
func (k *checker) module(m *Module) {
	linears := k.modules[m.Path]
	if linears == nil {
		k.fail("module %s: the model has none", m.Path)
		return
	}
	if isTable(m.Path) != m.Embedding {
		k.fail("module %s: it is a table of embeddings: %t, but the update is of one: %t", m.Path, isTable(m.Path), m.Embedding)
		return
	}
	out, in := k.shape(m.Path)
	r := m.Rank()
	a, b := []int{r, in}, []int{out, r}
	if m.Embedding {
		a, b = []int{r, out}, []int{in, r}
	}
	if !slices.Equal(m.A.Shape, a) || !slices.Equal(m.B.Shape, b) {
		k.fail("module %s: want A %v and B %v, have %v and %v", m.Path, a, b, m.A.Shape, m.B.Shape)
		return
	}
	k.finite(m.Path+": A", m.A)
	k.finite(m.Path+": B", m.B)
	k.finite(m.Path+": magnitude", m.Magnitude)
	for _, l := range linears {
		p := Part{Linear: l, Module: m, A: m.A, B: m.B, Scale: float32(m.Scale())}
		if !m.Embedding {
			p.B = m.B.Rows(l.Start, l.W.Rows)
		}
		k.out.Parts = append(k.out.Parts, p)
	}
}

func (k *checker) finite(what string, t Tensor) {
	if i := t.finite(); i >= 0 {
		k.fail("%s: number %d of %v is not finite", what, i, t.Shape)
	}
}

// replaced fits a parameter that takes the place of the base's.
func (k *checker) replaced(name string, t Tensor) {
	path, bias := cutBias(name)
	linears := k.modules[path]
	if linears == nil {
		k.fail("parameter %s: the model has none that can be replaced", name)
		return
	}
	if !bias && k.out.Module(path) != nil {
		k.fail("parameter %s: the file also has an update of it", name)
	}
	out, in := k.shape(path)
	want := []int{out, in}
	if bias {
		want = want[:1]
	}
	if !slices.Equal(t.Shape, want) {
		k.fail("parameter %s: want %v, have %v", name, want, t.Shape)
		return
	}
	k.finite("parameter "+name, t)
	for _, l := range linears {
		rows := t.Rows(l.Start, l.W.Rows)
		switch {
		case !bias:
			k.out.Whole = append(k.out.Whole, Replacement{Linear: l, W: rows})
		case l.B == nil:
			k.fail("parameter %s: the model has no bias there", name)
		default:
			k.out.Whole = append(k.out.Whole, Replacement{Linear: l, B: rows})
		}
	}
}

// copied compares a stored copy of the base's weights with the base: within
// rounding to bfloat16, or what quantisation to 4 bits does to weights.
func (k *checker) copied(name string, t Tensor) {
	const rounding, quantised = 1.0 / 128, 1.0 / 4
	path, bias := cutBias(name)
	linears := k.modules[path]
	out, in := k.shape(path)
	if linears == nil || bias || !slices.Equal(t.Shape, []int{out, in}) {
		k.fail("copy of the base's %s: want [%d, %d], have %v: the adapter was trained on another base, or its vocabulary was changed", name, out, in, t.Shape)
		return
	}
	have, want := make([]float32, in), make([]float32, in)
	diff, norm, most := 0.0, 0.0, rounding
	for _, l := range linears {
		if l.W.Type != kernel.F32 && l.W.Type != kernel.F16 && l.W.Type != kernel.BF16 {
			most = quantised
		}
		for i := range l.W.Rows {
			l.W.Row(want, i)
			decode(have, t.Rows(l.Start+i, 1))
			norm += norm2(want)
			for j := range have {
				have[j] -= want[j]
			}
			diff += norm2(have)
		}
	}
	if d := math.Sqrt(diff / norm); !(d <= most) {
		k.fail("copy of the base's %s: it differs from the model's by %.2g of its norm: the adapter was trained on another base", name, d)
	}
}

// expect compares with what the configuration targets.
func (k *checker) expect(a *Adapter) {
	for _, path := range k.order {
		yes, known := a.Config.targeted(path)
		if !known || !yes {
			if a.Module(path) != nil {
				k.out.Report.Expected++ // the file knows better than a pattern that cannot be followed
			}
			continue
		}
		k.out.Report.Expected++
		if a.Module(path) == nil {
			k.fail("module %s: the configuration targets it, but the file has no update of it", path)
		}
	}
	for _, path := range a.Config.Save {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(a.Replaced)), func(name string) bool {
			p, bias := cutBias(name)
			return !bias && endsIn(p, path)
		}) {
			k.fail("module %s: modules_to_save names it, but the file does not have it", path)
		}
	}
}
