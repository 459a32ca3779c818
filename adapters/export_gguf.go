package adapters

import (
	"fmt"
	"slices"
	"strings"

	"graft/internal/kernel"
	"graft/internal/weights"
)

// Values of general.file_type (enum llama_ftype).
var fileTypes = map[kernel.Type]uint32{kernel.F32: 0, kernel.F16: 1, kernel.Q8_0: 7, kernel.BF16: 32}

// ExportGGUF writes the base with the adapter merged into it as one GGUF file that
// llama.cpp loads: matrices as o.Type, vectors as float32, the rest as the base's
// GGUF file has it. The file is there whole or not at all.
func (b *Bound) ExportGGUF(path string, o ExportOptions) error {
	if err := o.allowed("a GGUF file", kernel.F32, kernel.F16, kernel.BF16, kernel.Q8_0); err != nil {
		return err
	}
	if err := free(path); err != nil {
		return err
	}
	e, err := b.exporter(o)
	if err != nil {
		return err
	}
	defer e.store.Close()
	if e.meta == nil {
		return fmt.Errorf("%w: %s is a Hugging Face folder, and its tokenizer cannot be put into a GGUF file here; export a folder and convert it with llama.cpp's convert_hf_to_gguf.py", ErrCannotExport, e.Path)
	}
	arch := e.Base.model.Config.GGUFArch()
	if e.untied && arch == "gemma2" {
		return fmt.Errorf("%w: the adapter changes the table or the head, which llama.cpp's %s has as one weight; export a folder instead", ErrCannotExport, arch)
	}
	tensors := make([]weights.Tensor, len(e.params))
	err = e.each(func(i int, p param) (err error) {
		tensors[i], err = e.ggufTensor(p)
		return err
	})
	if err != nil {
		return err
	}
	tensors = append(tensors, e.rest...)
	return weights.SaveGGUF(path, e.ggufMeta(), tensors)
}

// ggufTensor is a parameter as llama.cpp wants it.
func (e *exporter) ggufTensor(p param) (weights.Tensor, error) {
	typ := e.Type
	if len(p.stored.Shape) == 1 || p.bias {
		typ = kernel.F32
	}
	if !p.changed && p.stored.Type == typ {
		return p.stored, nil
	}
	v, shape, err := e.values(p)
	if err != nil {
		return weights.Tensor{}, err
	}
	path, _ := cutBias(p.name)
	if order := e.Base.model.Config.GGUFRows(path); order != nil {
		cols := len(v) / shape[0]
		stored := make([]float32, len(v))
		for i, at := range order {
			copy(stored[int(at)*cols:], v[i*cols:(i+1)*cols])
		}
		v = stored
	}
	name := p.stored.Name
	if name == "" {
		name = "output.weight"
	}
	return encode(name, v, shape, typ)
}

// ggufMeta is the base's metadata, but for what the merge makes untrue.
func (e *exporter) ggufMeta() []weights.Pair {
	pairs := slices.DeleteFunc(e.meta.Pairs(), func(p weights.Pair) bool {
		return strings.HasPrefix(p.Key, "quantize.imatrix.") || strings.HasPrefix(p.Key, "split.")
	})
	set := func(key string, value any) {
		for i := range pairs {
			if pairs[i].Key == key {
				pairs[i].Value = value
				return
			}
		}
		pairs = append(pairs, weights.Pair{Key: key, Value: value})
	}
	set("general.file_type", fileTypes[e.Type])
	set("general.quantization_version", uint32(2))
	if e.Name != "" {
		set("general.name", e.Name)
	}
	return pairs
}
