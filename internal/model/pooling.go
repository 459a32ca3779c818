package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strings"
)

// Pooler makes the embedding of one text from the hidden states of its tokens,
// as Config.Pooling says. Texts may come in several pieces.
type Pooler struct {
	kind string
	sum  []float64 // [D]
	n    int       // tokens so far
}

// NewPooler is a pooler for one text.
func (m *Model) NewPooler() *Pooler {
	return &Pooler{kind: m.Config.Pooling, sum: make([]float64, m.Config.Width)}
}

// Reset makes the pooler ready for another text.
func (p *Pooler) Reset() {
	clear(p.sum)
	p.n = 0
}

// Add takes the rows of segment s of h [T, D], the result of Model.Hidden.
func (p *Pooler) Add(h Value, s *Segment) {
	for r := s.Row; r < s.Row+s.Len; r++ {
		row := h.Data[r*h.Width : (r+1)*h.Width]
		switch {
		case p.kind == "mean":
			for i, v := range row {
				p.sum[i] += float64(v)
			}
		case p.kind == "last" || p.n == 0: // "cls" is the first
			for i, v := range row {
				p.sum[i] = float64(v)
			}
		}
		p.n++
	}
}

// Vector writes the embedding to dst [D]. Its length is 1.
func (p *Pooler) Vector(dst []float32) {
	var square float64
	for _, v := range p.sum {
		square += v * v
	}
	scale := 1 / math.Max(math.Sqrt(square), 1e-12) // as torch.nn.functional.normalize
	if p.kind == "mean" && p.n > 0 {
		scale = 1 / math.Max(math.Sqrt(square), 1e-12*float64(p.n))
	}
	for i, v := range p.sum {
		dst[i] = float32(v * scale)
	}
}

// readPooling reads what sentence-transformers writes beside a model: modules.json
// lists the steps from text to vector, one of which is the pooling.
func readPooling(dir string, c *Config) error {
	path := filepath.Join(dir, "modules.json")
	data, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var modules []struct {
		Type string `json:"type"` // a Python class: "sentence_transformers.models.Pooling"
		Path string `json:"path"`
	}
	if err := json.Unmarshal(data, &modules); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, m := range modules {
		_, class, _ := cutLast("."+m.Type, ".")
		switch class {
		case "Transformer", "Normalize":
		case "Pooling":
			if !filepath.IsLocal(m.Path) {
				return fmt.Errorf("%s: path %q leads out of the folder", path, m.Path)
			}
			if c.Pooling, err = poolingOf(filepath.Join(dir, m.Path, "config.json")); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s: step %s of sentence-transformers is not supported", path, m.Type)
		}
	}
	return nil
}

// poolingOf reads the configuration of the pooling step: one of its switches is on.
func poolingOf(path string) (string, error) {
	data, err := readSmall(path)
	if err != nil {
		return "", err
	}
	var keys map[string]any
	if err := json.Unmarshal(data, &keys); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	names := map[string]string{
		"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean", "pooling_mode_lasttoken": "last",
	}
	mode, _ := keys["pooling_mode"].(string) // since sentence-transformers 5
	found := map[string]string{"cls": "cls", "mean": "mean", "lasttoken": "last"}[mode]
	for key, v := range keys {
		if on, _ := v.(bool); !on || !strings.HasPrefix(key, "pooling_mode_") {
			continue
		}
		if found != "" || names[key] == "" {
			return "", fmt.Errorf("%s: %s is not supported: graft knows one of cls, mean and last token", path, key)
		}
		found = names[key]
	}
	if found == "" {
		return "", fmt.Errorf("%s: it names no pooling that graft knows: cls, mean or last token", path)
	}
	return found, nil
}
