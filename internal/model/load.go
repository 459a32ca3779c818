package model

import (
	"errors"
	"fmt"
	"os"

	"graft/internal/weights"
)

// Options for Load.
type Options struct {
	Workers int // goroutines that lay out weights; 0: as many as Go may run at a time
}

// Load reads the model at path: a GGUF file, or a Hugging Face folder with
// config.json and weights as safetensors. The error of a file that does not hold
// what its configuration asks for names every tensor that is missing, has a wrong
// shape, or is not used.
func Load(path string, opts Options) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		file, err := weights.OpenGGUF(path)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", path, err)
		}
		return LoadGGUF(path, file, opts)
	}
	m, err := loadFolder(path, opts)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return m, nil
}

// LoadGGUF is Load of a file that is open already. The model owns file from now on,
// also after an error; its metadata stays valid.
func LoadGGUF(path string, file *weights.GGUF, opts Options) (*Model, error) {
	a, c, err := readGGUF(file)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, errors.Join(err, file.Close()))
	}
	m, err := build(newLoader(a, c, &file.Store, true), opts)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return m, nil
}

func loadFolder(dir string, opts Options) (*Model, error) {
	a, c, err := readHF(dir)
	if err != nil {
		return nil, err
	}
	if err := readPooling(dir, c); err != nil {
		return nil, err
	}
	file, err := weights.OpenSafetensors(dir)
	if err != nil {
		return nil, err
	}
	return build(newLoader(a, c, &file.Store, false), opts)
}

// build makes the model and owns the store of l.
func build(l *loader, opts Options) (*Model, error) {
	net := l.arch.build(l)
	err := l.err()
	if err == nil {
		err = l.pack(opts.Workers)
	}
	if err != nil {
		return nil, errors.Join(err, l.store.Close())
	}
	m := &Model{Config: l.Config, Linears: l.linears, network: net, store: l.store}
	c := &m.Config
	c.Formats = l.formats
	c.Params, c.Bytes = l.vectors, 4*l.vectors
	for _, p := range l.packing {
		c.Params += int64(p.source.Rows) * int64(p.source.Cols)
		c.Bytes += p.linear.W.Bytes()
	}
	return m, nil
}
