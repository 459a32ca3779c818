package adapters

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"graft/internal/model"
	"graft/internal/weights"
)

// Keys of GGUF adapters (llama-adapter.cpp, convert_lora_to_gguf.py).
const (
	keyType       = "general.type"         // "adapter"
	keyArch       = "general.architecture" // of the base
	keyAdapter    = "adapter.type"         // "lora"
	keyAlpha      = "adapter.lora.alpha"   // float32; 0: the scale is 1
	keyInvocation = "adapter.alora.invocation_tokens"
	keyBases      = "general.base_model.count"
	keyBaseName   = "general.base_model.0.name"
)

// ReadGGUF reads a LoRA adapter in GGUF format, as llama.cpp loads it:
//
//	blk.0.attn_q.weight.lora_a [r, in]   blk.0.attn_q.weight.lora_b [out, r]
//	token_embd.weight.lora_a   [V, r]    token_embd.weight.lora_b   [D, r]
//
// base is the configuration of the model it belongs to: names and the order of
// rows depend on it. llama.cpp scales by alpha/r.
func ReadGGUF(path string, base *model.Config, limits Limits) (*Adapter, error) {
	a, err := readGGUF(path, base, limits.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", path, err)
	}
	return a, nil
}

func readGGUF(path string, base *model.Config, limits Limits) (*Adapter, error) {
	if err := bounded(path, limits); err != nil {
		return nil, err
	}
	file, err := weights.OpenGGUF(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if file.Len() > limits.Tensors {
		return nil, fmt.Errorf("%d tensors, at most %d are allowed: %w", file.Len(), limits.Tensors, ErrTooLarge)
	}
	alpha, err := ggufHead(file.Meta, base)
	if err != nil {
		return nil, err
	}
	k := &collector{&Adapter{Arch: base.GGUFArch(), Replaced: map[string]Tensor{}, Copies: map[string]Tensor{}}, limits, map[string]*Module{}, nil}
	k.Config.Base, _ = file.Meta.String(keyBaseName)
	k.Config.Task, k.Config.Bias = "CAUSAL_LM", "none"
	for _, name := range file.Names() {
		stored, _ := file.Tensor(name)
		if err := k.ggufTensor(stored); err != nil {
			k.errs = append(k.errs, err)
		}
	}
	for path, m := range k.found {
		m.Path = path
		k.ggufModule(m, base, alpha)
	}
	return k.finish()
}

// ggufHead checks what the file says it is, and returns its alpha.
func ggufHead(meta *weights.Metadata, base *model.Config) (float64, error) {
	var errs []error
	for _, want := range [][2]string{{keyType, "adapter"}, {keyAdapter, "lora"}, {keyArch, base.GGUFArch()}} {
		if have, _ := meta.String(want[0]); have != want[1] {
			errs = append(errs, fmt.Errorf("metadata %s is %q, want %q", want[0], have, want[1]))
		}
	}
	if meta.Len(keyInvocation) > 0 {
		errs = append(errs, fmt.Errorf("metadata %s: it %s, which is not supported", keyInvocation, refused["alora_invocation_tokens"]))
	}
	alpha, ok := meta.Float(keyAlpha)
	if !ok || !isFinite(alpha) {
		errs = append(errs, fmt.Errorf("metadata %s is %s %g, want a number", keyAlpha, meta.Kind(keyAlpha), alpha))
	}
	return alpha, errors.Join(errs...)
}

// ggufTensor puts one tensor where it belongs.
func (k *collector) ggufTensor(stored weights.Tensor) error {
	name, isA := strings.CutSuffix(stored.Name, ".lora_a")
	if !isA {
		var isB bool
		if name, isB = strings.CutSuffix(stored.Name, ".lora_b"); !isB {
			return fmt.Errorf("tensor %s: want a name that ends in .lora_a or .lora_b", stored.Name)
		}
	}
	to, ok := model.FromGGUF(k.Arch, name)
	path, isWeight := strings.CutSuffix(to, ".weight")
	if !ok || !isWeight {
		return fmt.Errorf("tensor %s: architecture %s has no %s", stored.Name, k.Arch, name)
	}
	t, err := take(stored)
	if err != nil {
		return err
	}
	m := k.module(path)
	m.Embedding = isTable(path)
	if isA {
		m.A = t
	} else {
		m.B = t
	}
	return nil
}

// ggufModule brings a module into the form of Hugging Face.
func (k *collector) ggufModule(m *Module, base *model.Config, alpha float64) {
	if m.Embedding && len(m.A.Shape) == 2 {
		m.A = m.A.transposed()
	}
	if !k.shapes(m) {
		return
	}
	m.Alpha = alpha
	if alpha == 0 {
		m.Alpha = float64(m.Rank())
	}
	if order := base.GGUFRows(m.Path); order != nil {
		if len(order) != m.B.Shape[0] {
			k.fail("module %s: B %v, want [%d, %d]", m.Path, m.B.Shape, len(order), m.Rank())
			return
		}
		m.B = m.B.gather(order)
	}
}

// ErrNotInGGUF is why WriteGGUF refuses adapters: llama.cpp cannot hold what they
// consist of. Merging them into the base is the way out.
var ErrNotInGGUF = errors.New("GGUF adapters cannot hold it; export the merged model instead")

// WriteGGUF writes an adapter for llama.cpp. There is one alpha for the file, so
// where scales differ, B takes the difference; it is then written as float32.
func WriteGGUF(path string, a *Adapter, base *model.Config) error {
	var errs []error
	if len(a.Replaced) > 0 {
		errs = append(errs, fmt.Errorf("%d trained biases and modules_to_save: %w", len(a.Replaced), ErrNotInGGUF))
	}
	alpha := ggufAlpha(a)
	var tensors []weights.Tensor
	for _, m := range a.Modules {
		if m.DoRA() {
			errs = append(errs, fmt.Errorf("module %s: DoRA: %w", m.Path, ErrNotInGGUF))
			continue
		}
		if base.Tied && (m.Embedding || m.Path == "lm_head") {
			// llama.cpp has one weight for both, and dies of a shape that fits the table only.
			errs = append(errs, fmt.Errorf("module %s: table and head are one weight: %w", m.Path, ErrNotInGGUF))
			continue
		}
		name, ok := model.ToGGUF(base.GGUFArch(), m.Path+".weight")
		if !ok {
			errs = append(errs, fmt.Errorf("module %s: architecture %s has none", m.Path, base.GGUFArch()))
			continue
		}
		A, B, err := m.ggufMatrices(base, alpha)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		tensors = append(tensors, A.file(name+".lora_a"), B.file(name+".lora_b"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	meta := []weights.Pair{{Key: keyType, Value: "adapter"}, {Key: keyArch, Value: base.GGUFArch()}, {Key: keyAdapter, Value: "lora"}, {Key: keyAlpha, Value: alpha}}
	if a.Config.Base != "" {
		meta = append(meta, weights.Pair{Key: keyBases, Value: uint32(1)}, weights.Pair{Key: keyBaseName, Value: a.Config.Base})
	}
	return weights.SaveGGUF(path, meta, tensors)
}

// ggufMatrices are A and B as llama.cpp wants them.
func (m *Module) ggufMatrices(base *model.Config, alpha float32) (A, B Tensor, err error) {
	A, B = m.A, m.B
	if want := m.ggufAlpha(); float32(want) != alpha {
		v := B.Float32()
		for i := range v {
			v[i] = float32(float64(v[i]) * want / float64(alpha))
		}
		B = F32(v, B.Shape...)
	}
	if order := base.GGUFRows(m.Path); order != nil {
		if len(order) != B.Shape[0] {
			return A, B, fmt.Errorf("module %s: B %v, want [%d, %d]", m.Path, B.Shape, len(order), m.Rank())
		}
		inverse := make([]int32, len(order))
		for i, at := range order {
			inverse[at] = int32(i)
		}
		B = B.gather(inverse)
	}
	if m.Embedding {
		A = A.transposed()
	}
	return A, B, nil
}

// ggufAlpha is the alpha that gives the module's scale when divided by the rank.
func (m *Module) ggufAlpha() float64 {
	if m.RS {
		return m.Alpha * math.Sqrt(float64(m.Rank()))
	}
	return m.Alpha
}

// ggufAlpha is the alpha of the file: the one of most modules. Never 0, which
// llama.cpp takes for a scale of 1.
func ggufAlpha(a *Adapter) float32 {
	count := map[float32]int{}
	best := float32(1)
	for _, m := range a.Modules {
		v := float32(m.ggufAlpha())
		if count[v]++; v != 0 && count[v] > count[best] {
			best = v
		}
	}
	return best
}
