package model

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPooler pools rows 1 to 3 of a batch, in one piece and in two.
func TestPooler(t *testing.T) {
	h := Value{Data: []float32{9, 9, 3, 4, 1, 0, 0, 2, 9, 9}, Rows: 5, Width: 2}
	for kind, want := range map[string][2]float64{"cls": {3, 4}, "last": {0, 2}, "mean": {4. / 3, 2}} {
		norm := math.Hypot(want[0], want[1])
		m := &Model{Config: Config{Width: 2, Pooling: kind}}
		p := m.NewPooler()
		for _, pieces := range [][]Segment{{{Row: 1, Len: 3}}, {{Row: 1, Len: 1}, {Row: 2, Len: 2}}} {
			p.Reset()
			for i := range pieces {
				p.Add(h, &pieces[i])
			}
			have := make([]float32, 2)
			p.Vector(have)
			for i := range have {
				if math.Abs(float64(have[i])-want[i]/norm) > 1e-6 {
					t.Errorf("%s in %d pieces: %v, want %v/%g", kind, len(pieces), have, want, norm)
				}
			}
		}
	}
}

// TestReadPooling reads what sentence-transformers writes, old and new.
func TestReadPooling(t *testing.T) {
	const modules = `[{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
		{"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
		{"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]`
	tests := []struct{ modules, pooling, want, err string }{
		{modules, `{"word_embedding_dimension": 384, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}`, "mean", ""},
		{modules, `{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false, "include_prompt": true}`, "cls", ""},
		{modules, `{"pooling_mode_lasttoken": true}`, "last", ""},
		{modules, `{"pooling_mode": "lasttoken"}`, "last", ""},
		{modules, `{"pooling_mode": "max"}`, "", "no pooling that graft knows"},
		{modules, `{"pooling_mode_max_tokens": true}`, "", "pooling_mode_max_tokens is not supported"},
		{modules, `{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}`, "", "is not supported"},
		{modules, `{}`, "", "no pooling that graft knows"},
		{modules, `[]`, "", "1_Pooling"},
		{`[{"path": "../x", "type": "sentence_transformers.models.Pooling"}]`, `{}`, "", "leads out of the folder"},
		{`[{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]`, `{}`, "", "models.Dense of sentence-transformers is not supported"},
		{`{`, `{}`, "", "modules.json"},
	}
	for _, test := range tests {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "1_Pooling"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"modules.json": test.modules, "1_Pooling/config.json": test.pooling} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := &Config{Pooling: "as before"}
		err := readPooling(dir, c)
		switch {
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: %v, want an error with %q", test.pooling, err, test.err)
		case test.err == "" && (err != nil || c.Pooling != test.want):
			t.Errorf("%s: %q, %v, want %q", test.pooling, c.Pooling, err, test.want)
		}
	}
	c := &Config{Pooling: "last"}
	if err := readPooling(t.TempDir(), c); err != nil || c.Pooling != "last" {
		t.Errorf("a folder without modules.json: %q, %v", c.Pooling, err)
	}
}
