package adapters

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"

	"graft/internal/weights"
)

// WritePEFT writes a folder that PEFT loads, in the types the numbers are in. A
// new folder appears whole or not at all; in one that is there, each file does.
// The configuration is the adapter's own where that describes its modules, else
// one that names each of them.
func WritePEFT(dir string, a *Adapter) error {
	c := a.Config
	if !c.describes(a.Modules) {
		c = describe(a)
	}
	data, err := json.MarshalIndent(&c, "", "  ")
	if err != nil {
		return fmt.Errorf("adapter %s: %s: %w", dir, peftConfig, err)
	}
	return writeFolder(dir, func(tmp string) ([]string, error) {
		err := weights.SaveSafetensors(filepath.Join(tmp, peftTensors), a.peftTensors(), map[string]string{"format": "pt"})
		if err == nil {
			err = writeSynced(filepath.Join(tmp, peftConfig), append(data, '\n'))
		}
		names := []string{peftTensors, peftConfig}
		if err == nil && a.Card != "" {
			names = append(names, peftCard)
			err = writeSynced(filepath.Join(tmp, peftCard), []byte(a.Card))
		}
		return names, err
	})
}

// peftTensors are the tensors under PEFT's names.
func (a *Adapter) peftTensors() []weights.Tensor {
	var list []weights.Tensor
	add := func(name string, t Tensor) { list = append(list, t.file(peftPrefix+name)) }
	for _, m := range a.Modules {
		if m.Embedding {
			add(m.Path+".lora_embedding_A", m.A)
			add(m.Path+".lora_embedding_B", m.B)
			continue
		}
		add(m.Path+".lora_A.weight", m.A)
		add(m.Path+".lora_B.weight", m.B)
		if m.DoRA() {
			add(m.Path+".lora_magnitude_vector", m.Magnitude)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Replaced)) {
		path, isBias := cutBias(name)
		if isBias && a.Module(path) != nil {
			name = path + ".base_layer.bias"
		}
		add(name, a.Replaced[parameter(path, isBias)])
	}
	for _, name := range slices.Sorted(maps.Keys(a.Copies)) {
		add(name[:len(name)-len(".weight")]+".base_layer.weight", a.Copies[name])
	}
	return list
}

// cutBias cuts the name of a parameter into its module and whether it is the bias.
func cutBias(name string) (path string, bias bool) {
	ext := filepath.Ext(name)
	return name[:len(name)-len(ext)], ext == ".bias"
}

func parameter(path string, bias bool) string {
	if bias {
		return path + ".bias"
	}
	return path + ".weight"
}

// describe makes a configuration that says of each module what it is.
func describe(a *Adapter) Config {
	c := a.Config
	c.Ranks, c.Alphas, c.Layers, c.LayersPattern, c.Save = nil, nil, nil, nil, nil
	c.Targets, c.Exclude, c.Bias = Targets{}, Targets{}, "none"
	c.R, c.Alpha, c.RSLoRA, c.DoRA = 8, 8, len(a.Modules) > 0, false
	for _, m := range a.Modules {
		c.Targets.Names = append(c.Targets.Names, m.Path)
		c.RSLoRA = c.RSLoRA && m.RS
		c.DoRA = c.DoRA || m.DoRA()
	}
	for i, m := range a.Modules {
		alpha := m.Alpha
		if m.RS && !c.RSLoRA {
			alpha = m.Scale() * float64(m.Rank())
		}
		if i == 0 {
			c.R, c.Alpha = m.Rank(), alpha
		}
		// A path of its own is the end of no other: patterns do not overlap.
		key := "^" + regexp.QuoteMeta(m.Path)
		if m.Rank() != c.R {
			c.Ranks = append(c.Ranks, mustPattern(key, float64(m.Rank())))
		}
		if alpha != c.Alpha {
			c.Alphas = append(c.Alphas, mustPattern(key, alpha))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Replaced)) {
		path, bias := cutBias(name)
		if bias {
			c.Bias = "all"
		} else {
			c.Save = append(c.Save, path)
		}
	}
	return c
}

// mustPattern is for keys that are quoted paths.
func mustPattern(key string, value float64) Pattern {
	p, err := NewPattern(key, value)
	if err != nil {
		panic(err)
	}
	return p
}
