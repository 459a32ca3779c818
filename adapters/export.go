package adapters

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/weights"
)

// ErrCannotExport is why a merged model is not written.
var ErrCannotExport = errors.New("the merged model cannot be written so")

// ExportOptions say what becomes of a base and an adapter that are merged.
type ExportOptions struct {
	Path string // of the base that the adapter is bound to: a GGUF file or a folder
	// Type of the matrices: F32, F16 or BF16, in GGUF also Q8_0. Vectors are float32
	// in GGUF. Rounding happens once, from W + s·B·A in float32.
	Type kernel.Type
	Name string // that the model gets; "": the base's
}

// param is one parameter of the merged model, in Hugging Face's name and order of
// rows.
type param struct {
	name    string
	stored  weights.Tensor  // what the base's file has; Data nil: nothing
	linears []*model.Linear // the parts of its module; nil: it belongs to none
	bias    bool
	changed bool // by the adapter
}

// exporter reads the base's file again: some of what it holds, such as norms, no
// adapter changes.
type exporter struct {
	*Bound
	ExportOptions
	store  *weights.Store
	meta   *weights.Metadata // nil: the base is a folder
	params []param
	rest   []weights.Tensor // that belong to no parameter: frequencies, images
	untied bool             // the head is no longer the table
}

func (b *Bound) exporter(o ExportOptions) (*exporter, error) {
	e := &exporter{Bound: b, ExportOptions: o}
	info, err := os.Stat(o.Path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		file, err := weights.OpenSafetensors(o.Path)
		if err != nil {
			return nil, err
		}
		e.store = &file.Store
	} else {
		file, err := weights.OpenGGUF(o.Path)
		if err != nil {
			return nil, err
		}
		e.store, e.meta = &file.Store, file.Meta
	}
	e.find()
	return e, nil
}

// find says what becomes of each tensor in the base's file.
func (e *exporter) find() {
	for _, name := range e.store.Names() {
		stored, _ := e.store.Tensor(name)
		to, ok := canonical(name), true
		if e.meta != nil {
			to, ok = model.FromGGUF(e.Base.model.Config.GGUFArch(), name)
		}
		path, bias := cutBias(to)
		p := param{name: to, stored: stored, linears: e.Base.modules[path], bias: bias}
		if !ok || p.linears == nil && e.meta == nil || path == "lm_head" && e.tied() {
			e.rest = append(e.rest, stored)
			continue
		}
		p.changed = e.changes(p.linears, bias)
		e.params = append(e.params, p)
	}
	// A tied head whose table no longer is its weight gets one of its own.
	if table := e.Base.modules["model.embed_tokens"]; e.tied() && table != nil {
		head := e.Base.modules["lm_head"]
		if e.changes(head, false) || e.changes(table, false) {
			e.untied = true
			e.params = append(e.params, param{name: "lm_head.weight", linears: head, changed: true})
		}
	}
}

func (e *exporter) tied() bool { return e.Base.model.Config.Tied }

// changes tells whether the adapter does anything to a parameter.
func (e *exporter) changes(linears []*model.Linear, bias bool) bool {
	for _, l := range linears {
		for i := range e.Parts {
			if e.Parts[i].Linear == l && !bias {
				return true
			}
		}
		for _, r := range e.Whole {
			if r.Linear == l && (r.B.Shape != nil) == bias {
				return true
			}
		}
	}
	return false
}

// values are the numbers of a parameter after the merge.
func (e *exporter) values(p param) ([]float32, []int, error) {
	if p.linears == nil {
		if p.stored.Type == weights.Unsupported {
			return nil, nil, fmt.Errorf("tensor %s is stored as %s", p.stored.Name, p.stored.DType)
		}
		v := make([]float32, p.stored.Len())
		decode(v, Tensor{p.stored.Type, p.stored.Shape, p.stored.Data})
		return v, p.stored.Shape, nil
	}
	var out []float32
	rows := 0
	for _, l := range p.linears {
		w, bias := e.Merge(l)
		rows += l.W.Rows
		switch {
		case p.bias && bias != nil:
			out = append(out, bias...)
		case p.bias:
			out = append(out, l.B...)
		case w != nil:
			out = append(out, w...)
		default:
			n := len(out)
			out = slices.Grow(out, l.W.Rows*l.W.Cols)[:n+l.W.Rows*l.W.Cols]
			for i := range l.W.Rows {
				l.W.Row(out[n+i*l.W.Cols:n+(i+1)*l.W.Cols], i)
			}
		}
	}
	if p.bias {
		return out, []int{rows}, nil
	}
	return out, []int{rows, p.linears[0].W.Cols}, nil
}

// each calls f for all parameters, several at a time, and gathers the errors.
func (e *exporter) each(f func(i int, p param) error) error {
	errs := make([]error, len(e.params))
	var next atomic.Int64
	var done sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(e.params)) {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(e.params); i = int(next.Add(1)) - 1 {
				errs[i] = f(i, e.params[i])
			}
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// encode stores v in rows of a type. Quantised types that do not fit the width
// give way to half precision.
func encode(name string, v []float32, shape []int, typ kernel.Type) (weights.Tensor, error) {
	if typ.RowBytes(shape[len(shape)-1]) == 0 {
		typ = kernel.F16
	}
	if limit := largest[typ]; limit > 0 {
		for i, x := range v {
			if !(math.Abs(float64(x)) <= limit) {
				return weights.Tensor{}, fmt.Errorf("%w: %s[%d] is %g, which %v cannot hold", ErrCannotExport, name, i, x, typ)
			}
		}
	}
	f, _ := kernel.FormatOf(typ)
	data := make([]byte, len(v)/f.BlockLen*f.BlockBytes)
	f.Quantize(data, v)
	return weights.Tensor{Name: name, DType: typ.String(), Type: typ, Shape: shape, Data: data}, nil
}

// largest are numbers that types with few bits of exponent can hold.
var largest = map[kernel.Type]float64{kernel.F16: 65504, kernel.Q8_0: 65504 * 127}

// allowed checks the type.
func (o *ExportOptions) allowed(what string, types ...kernel.Type) error {
	if !slices.Contains(types, o.Type) {
		return fmt.Errorf("%w: %s holds %v, not %v", ErrCannotExport, what, types, o.Type)
	}
	return nil
}

// free tells whether a path can be written without losing anything.
func free(path string) error {
	if empty, err := isEmpty(path); err == nil && empty {
		return nil
	}
	return fmt.Errorf("%w: %s is there already", ErrCannotExport, path)
}
