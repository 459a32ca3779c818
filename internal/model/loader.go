package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"graft/internal/kernel"
	"graft/internal/weights"
)

// loader hands the tensors of a file to an architecture's build. Names are those
// of Hugging Face, whatever the file calls them. It keeps all errors, so that one
// look at the message shows everything that is wrong with a file.
type loader struct {
	Config
	arch    *architecture
	store   *weights.Store
	gguf    bool
	tensors map[string]weights.Tensor // not yet used, by name in Hugging Face's form
	linears []*Linear
	packing []packing
	ties    []tie
	vectors int64 // numbers kept as float32: norms and biases
	formats map[string]int64
	errs    []error
}

// packing is a matrix still to be laid out.
type packing struct {
	linear *Linear
	tensor weights.Tensor
	source kernel.Source
}

// tie is a head that will share the weight of the embedding table.
type tie struct{ head, table *Linear }

func newLoader(a *architecture, c *Config, store *weights.Store, gguf bool) *loader {
	l := &loader{Config: *c, arch: a, store: store, gguf: gguf, tensors: map[string]weights.Tensor{}, formats: map[string]int64{}}
	for _, name := range store.Names() {
		to := name
		if gguf {
			to = a.moduleOf(name)
		} else if a.rename != nil {
			to = a.rename(name)
		} else if headless(name) {
			to = "model." + name
		}
		if to == "" || strings.HasSuffix(to, ".rotary_emb.inv_freq") {
			continue // old folders keep the frequencies, which the configuration gives anyway
		}
		t, _ := store.Tensor(name)
		if old, dup := l.tensors[to]; dup {
			l.errs = append(l.errs, fmt.Errorf("tensors %s and %s are both %s", old.Name, name, to))
		}
		l.tensors[to] = t
	}
	return l
}

// headless tells names in files of models that were saved without their head, as
// embedding models are.
func headless(name string) bool {
	for _, part := range []string{"embed_tokens.", "layers.", "norm."} {
		if strings.HasPrefix(name, part) {
			return true
		}
	}
	return false
}

// take finds a tensor and marks it as used.
func (l *loader) take(name string) (weights.Tensor, bool) {
	t, ok := l.tensors[name]
	delete(l.tensors, name)
	return t, ok
}

func (l *loader) missing(name string, shape ...int) {
	l.errs = append(l.errs, fmt.Errorf("tensor %s: want shape %v, but it is not in the file", l.fileName(name), shape))
}

// fileName is what the file would call a tensor.
func (l *loader) fileName(name string) string {
	if !l.gguf {
		return name
	}
	module, suffix, _ := cutLast(name, ".")
	for from, to := range l.arch.names {
		if to == module {
			return from + "." + suffix
		}
		before, after, _ := strings.Cut(to, ".N.")
		layer, ok := strings.CutPrefix(module, before+".")
		if layer, ok2 := strings.CutSuffix(layer, "."+after); ok && ok2 {
			return strings.Replace(from, ".N.", "."+layer+".", 1) + "." + suffix
		}
	}
	return name
}

// linear is a projection [out, in], with a bias if the file has one.
func (l *loader) linear(name string, out, in int) *Linear {
	return l.place(&Linear{Name: name, Module: name}, out, in, out, nil)
}

// biased is a projection that cannot be without a bias.
func (l *loader) biased(name string, out, in int) *Linear {
	if _, ok := l.tensors[name+".bias"]; !ok {
		l.missing(name+".bias", out)
	}
	return l.linear(name, out, in)
}

// qkv is the projections of layer p to queries, keys and values, each made by linear.
func (l *loader) qkv(p string, linear func(name string, out, in int) *Linear) [3]*Linear {
	return [3]*Linear{
		linear(p+"self_attn.q_proj", l.Heads*l.HeadDim, l.Width),
		linear(p+"self_attn.k_proj", l.KVHeads*l.HeadDim, l.Width),
		linear(p+"self_attn.v_proj", l.KVHeads*l.HeadDim, l.Width),
	}
}

// gateUp is the first two projections of layer p's gated network.
func (l *loader) gateUp(p string) [2]*Linear {
	return [2]*Linear{
		l.linear(p+"mlp.gate_proj", l.FFN, l.Width),
		l.linear(p+"mlp.up_proj", l.FFN, l.Width),
	}
}

// rotated is a projection to heads that a rope will turn. llama.cpp's converter
// reorders such rows for the architecture llama (LlamaModel.permute), so that the
// two numbers a rope turns together become neighbours; here they are put back.
func (l *loader) rotated(name string, heads, in int) *Linear {
	var order []int32
	if l.gguf {
		order = unpermuted(heads, l.HeadDim)
	}
	out := heads * l.HeadDim
	return l.place(&Linear{Name: name, Module: name}, out, in, out, order)
}

// unpermuted maps a row in Hugging Face's order to its place in the file: number
// i of half p of a head is stored at 2i+p.
func unpermuted(heads, headDim int) []int32 {
	order := make([]int32, 0, heads*headDim)
	for h := range heads {
		for p := range 2 {
			for i := range headDim / 2 {
				order = append(order, int32(h*headDim+2*i+p))
			}
		}
	}
	return order
}

// part is rows start to start+out of a module of all rows. The last part must
// be asked for last.
func (l *loader) part(module, part string, start, out, all, in int) *Linear {
	t, ok := l.tensors[module+".weight"]
	w := l.place(&Linear{Name: module + "." + part, Module: module, Start: start}, out, in, all, nil)
	if ok && start+out < all {
		l.tensors[module+".weight"] = t
	}
	return w
}

// place files w with its weight, rows Start to Start+out of a tensor [all, in].
func (l *loader) place(w *Linear, out, in, all int, order []int32) *Linear {
	w.Index = len(l.linears)
	l.linears = append(l.linears, w)
	if bias, ok := l.take(w.Module + ".bias"); ok {
		w.B = reorder(l.vector(bias, all), order)
	}
	t, ok := l.take(w.Module + ".weight")
	if !ok {
		if w.Start == 0 {
			l.missing(w.Module+".weight", all, in)
		}
		return w
	}
	if err := t.Check(all, in); err != nil {
		l.errs = append(l.errs, err)
		return w
	}
	row := len(t.Data) / all
	l.packing = append(l.packing, packing{w, t, kernel.Source{
		Type: t.Type, Rows: out, Cols: in, Data: t.Data[w.Start*row : (w.Start+out)*row], RowOrder: order,
	}})
	l.formats[t.Type.String()] += int64(out) * int64(in)
	return w
}

func reorder(v []float32, order []int32) []float32 {
	if order == nil || len(v) != len(order) {
		return v
	}
	out := make([]float32, len(v))
	for i, from := range order {
		out[i] = v[from]
	}
	return out
}

// lmHead is the head: the table when tied, else a projection of its own. A file
// may hold a second copy of a tied table.
func (l *loader) lmHead(table *Linear) *Linear {
	const name = "lm_head"
	if !l.Tied {
		w := l.linear(name, l.Vocab, l.Width)
		w.Wide = true
		return w
	}
	delete(l.tensors, name+".weight")
	w := &Linear{Name: name, Module: name, Index: len(l.linears), Wide: true}
	l.linears = append(l.linears, w)
	l.ties = append(l.ties, tie{w, table})
	return w
}

// norm is an RMS norm over n numbers.
func (l *loader) norm(name string, n int) *Norm {
	return &Norm{Name: name, Weight: l.need(name+".weight", n), Eps: l.Eps}
}

// gemmaNorm is an RMS norm whose weight the folder, but not the GGUF file, keeps
// as the difference from 1.
func (l *loader) gemmaNorm(name string, n int) *Norm {
	norm := l.norm(name, n)
	if !l.gguf {
		for i := range norm.Weight {
			norm.Weight[i]++
		}
	}
	return norm
}

// layerNorm is a layer norm over n numbers.
func (l *loader) layerNorm(name string, n int) *Norm {
	return &Norm{Name: name, Weight: l.need(name+".weight", n), Bias: l.need(name+".bias", n), Eps: l.Eps, Center: true}
}

// need is a vector that must be there.
func (l *loader) need(name string, n int) []float32 {
	t, ok := l.take(name)
	if !ok {
		l.missing(name, n)
		return nil
	}
	return l.vector(t, n)
}

func (l *loader) vector(t weights.Tensor, n int) []float32 {
	v, err := vector(t, n)
	if err != nil {
		l.errs = append(l.errs, err)
	}
	l.vectors += int64(len(v))
	return v
}

// vector reads a tensor of one dimension.
func vector(t weights.Tensor, n int) ([]float32, error) {
	if err := t.Check(n); err != nil {
		return nil, err
	}
	f, ok := kernel.FormatOf(t.Type)
	if !ok {
		return nil, fmt.Errorf("tensor %s: weights stored as %s are not supported", t.Name, t.DType)
	}
	v := make([]float32, n)
	f.Dequantize(v, t.Data)
	return v, nil
}

// ignore marks tensors that are known not to matter.
func (l *loader) ignore(names ...string) {
	for _, name := range names {
		delete(l.tensors, name)
	}
}

// err is everything that was wrong, unused tensors included: a tensor that
// nobody asked for means that the file is not the model it says it is.
func (l *loader) err() error {
	unused := make([]string, 0, len(l.tensors))
	for _, t := range l.tensors {
		unused = append(unused, t.Name)
	}
	slices.Sort(unused)
	for _, name := range unused {
		l.errs = append(l.errs, fmt.Errorf("tensor %s: architecture %s has no use for it", name, l.arch.name))
	}
	return errors.Join(l.errs...)
}

// layerName is how the names of modules in decoder layer i begin.
func layerName(i int) string { return fmt.Sprintf("model.layers.%d.", i) }

// attention describes the attention of layer i.
func (l *loader) attention(i int) Attention {
	return Attention{
		Layer: i, Heads: l.Heads, KVHeads: l.KVHeads, HeadDim: l.HeadDim, Scale: l.QueryScale,
		Window: l.Windows[i], SoftCap: l.AttnCap, Causal: !l.Encoder, Last: i == l.Layers-1 && !l.Encoder,
	}
}
