package adapters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"graft/internal/kernel"
	"graft/internal/tokenizer"
	"graft/internal/weights"
)

const (
	modelConfig  = "config.json"
	modelTensors = "model.safetensors"
	genConfig    = "generation_config.json"
)

// ExportFolder writes the base with the adapter merged into it as a folder that
// transformers loads: model.safetensors with all tensors as o.Type, config.json,
// and the files of the tokenizer. Of a folder, those are copied; of a GGUF file,
// they are made anew from its metadata. The folder must not be there, or be
// empty; it appears whole or not at all.
func (b *Bound) ExportFolder(dir string, o ExportOptions) error {
	if err := o.allowed("a folder", kernel.F32, kernel.F16, kernel.BF16); err != nil {
		return err
	}
	if err := free(dir); err != nil {
		return err
	}
	e, err := b.exporter(o)
	if err != nil {
		return err
	}
	defer e.store.Close()
	files, err := e.folderFiles()
	if err != nil {
		return err
	}
	tensors := make([]weights.Tensor, len(e.params))
	err = e.each(func(i int, p param) (err error) {
		tensors[i], err = e.folderTensor(p)
		return err
	})
	if err != nil {
		return err
	}
	if e.meta == nil {
		for _, t := range e.rest {
			if _, bias := cutBias(t.Name); !bias && strings.HasSuffix(t.Name, "lm_head.weight") {
				continue // a second copy of a tied head
			}
			tensors = append(tensors, t)
		}
	}
	return writeFolder(dir, func(tmp string) (names []string, err error) {
		if err := weights.SaveSafetensors(filepath.Join(tmp, modelTensors), tensors, map[string]string{"format": "pt"}); err != nil {
			return nil, err
		}
		for name, data := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(tmp, name)), 0o755); err != nil {
				return nil, err
			}
			if err := writeSynced(filepath.Join(tmp, name), data); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

// folderTensor is a parameter as transformers wants it.
func (e *exporter) folderTensor(p param) (weights.Tensor, error) {
	name := p.name
	if e.meta == nil && p.stored.Name != "" {
		name = p.stored.Name
		if !p.changed && p.stored.Type == e.Type {
			return p.stored, nil
		}
	}
	v, shape, err := e.values(p)
	if err != nil {
		return weights.Tensor{}, err
	}
	if e.meta != nil && strings.HasPrefix(e.Base.model.Config.Arch, "gemma") && strings.HasSuffix(name, "norm.weight") {
		for i := range v {
			v[i]-- // Gemma's files hold the difference from 1, GGUF files do not
		}
	}
	return encode(name, v, shape, e.Type)
}

// folderFiles are the small files, by name.
func (e *exporter) folderFiles() (map[string][]byte, error) {
	if e.meta == nil {
		return e.copiedFiles()
	}
	files, err := tokenizer.FolderFromGGUF(e.meta)
	if errors.Is(err, tokenizer.ErrNoTokenizer) { // a file of weights alone
		files, err = map[string][]byte{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotExport, err)
	}
	config, err := hfConfig(&e.Base.model.Config, e.Base.modules)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotExport, err)
	}
	e.finishConfig(config)
	generation := map[string]any{"_from_model_config": true}
	for _, role := range []string{"bos", "eos", "padding"} {
		if id, ok := e.meta.Uint("tokenizer.ggml." + role + "_token_id"); ok {
			key := strings.TrimSuffix(role, "ding") + "_token_id"
			config[key], generation[key] = id, id
		}
	}
	if ends := e.ends(); len(ends) > 1 {
		generation["eos_token_id"] = ends
	}
	files[modelConfig], files[genConfig] = indented(config), indented(generation)
	return files, nil
}

// ends are the ids that end a turn, the usual end first.
func (e *exporter) ends() []uint64 {
	var ids []uint64
	for _, role := range []string{"eos", "eot", "eom"} {
		id, ok := e.meta.Uint("tokenizer.ggml." + role + "_token_id")
		if ok && (len(ids) == 0 || ids[0] != id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// finishConfig says what the merge made of the model.
func (e *exporter) finishConfig(config map[string]any) {
	dtype := map[kernel.Type]string{kernel.F32: "float32", kernel.F16: "float16", kernel.BF16: "bfloat16"}[e.Type]
	config["dtype"], config["torch_dtype"] = dtype, dtype
	if e.untied {
		config["tie_word_embeddings"] = false
	}
	if e.Name != "" {
		config["_name_or_path"] = e.Name
	}
}

// maxCopied is the longest file beside the weights, in bytes.
const maxCopied = 256 << 20

// copiedFiles are those of the base's folder that are not weights.
func (e *exporter) copiedFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(e.Path, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(e.Path, path)
		if err != nil || d.IsDir() || !copied(filepath.ToSlash(name)) {
			if d.IsDir() && name != "." && name != "additional_chat_templates" {
				return fs.SkipDir
			}
			return err
		}
		files[name], err = readBounded(path, maxCopied)
		return err
	})
	if err != nil {
		return nil, err
	}
	var config map[string]any
	dec := json.NewDecoder(bytes.NewReader(files[modelConfig]))
	dec.UseNumber()
	if err := dec.Decode(&config); err != nil {
		return nil, fmt.Errorf("%s: %w", modelConfig, err)
	}
	e.finishConfig(config)
	if text, ok := config["text_config"].(map[string]any); ok && e.untied {
		text["tie_word_embeddings"] = false
	}
	files[modelConfig] = indented(config)
	return files, nil
}

// copied tells files that belong to a model besides its weights.
func copied(name string) bool {
	base := filepath.Base(name)
	switch filepath.Ext(base) {
	case ".json":
		return !strings.HasSuffix(base, ".index.json") && base != "manifest.json" && base != peftConfig
	case ".jinja", ".model":
		return true
	}
	return base == "merges.txt" || base == "vocab.txt" || strings.HasPrefix(base, "LICENSE") || strings.HasPrefix(base, "NOTICE")
}

// indented is v as JSON for people.
func indented(v any) []byte {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // numbers, strings and maps of them
	}
	return append(data, '\n')
}
