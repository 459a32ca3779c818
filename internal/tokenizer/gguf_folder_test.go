package tokenizer

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/weights"
)

// viaFolder is the tokenizer that a folder made of GGUF metadata has.
func viaFolder(t testing.TB, m Metadata) *Tokenizer {
	t.Helper()
	files, err := FolderFromGGUF(m)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := FromFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestFolderFromGGUF: what is written encodes as Hugging Face's own files of the
// model do, and the tokenizer's roles and templates stay.
func TestFolderFromGGUF(t *testing.T) {
	for id, golden := range map[string]string{"smollm2-135m-instruct": "real/smollm2.json.gz", "gemma-3-270m": "real/gemma3.json.gz"} {
		t.Run(id, func(t *testing.T) {
			g, err := weights.OpenGGUF(hubtest.Model(t, id))
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			want, err := FromGGUF(g.Meta)
			if err != nil {
				t.Fatal(err)
			}
			have := viaFolder(t, g.Meta)
			checkGolden(t, have, golden)
			if have.BOS() != want.BOS() || have.EOS() != want.EOS() || have.PAD() != want.PAD() || have.AddBOS() != want.AddBOS() ||
				have.AddEOS() != want.AddEOS() || !maps.Equal(have.Templates(), want.Templates()) {
				t.Errorf("BOS %d EOS %d PAD %d template %t", have.BOS(), have.EOS(), have.PAD(), have.ChatTemplate() != "")
			}
		})
	}
}

// TestFolderFromGGUFTiny: each way of cutting text, and both ways with spaces, on
// tiny vocabularies.
func TestFolderFromGGUFTiny(t *testing.T) {
	texts := corpus(t)
	same := func(t *testing.T, m tinyGGUF) {
		t.Helper()
		want, err := FromGGUF(m)
		if err != nil {
			t.Fatal(err)
		}
		have := viaFolder(t, m)
		for _, s := range texts {
			o := EncodeOptions{AddSpecial: true}
			w, h := want.Encode(s, o), have.Encode(s, o)
			if !slices.Equal(w, h) {
				t.Fatalf("%q: have %v\nwant %v", s, h, w)
			}
			if w, h := want.Decode(w, false), have.Decode(h, false); w != h {
				t.Fatalf("decoded: have %q\nwant %q", h, w)
			}
		}
	}
	for name, m := range tinyMetadata(t) {
		if kind := m["tokenizer.ggml.model"]; kind == "t5" || kind == "bert" {
			if _, err := FolderFromGGUF(m); err == nil {
				t.Errorf("%s: a %v tokenizer was written", name, kind)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			same(t, m)
			for _, flag := range []bool{true, false} {
				m["tokenizer.ggml.add_space_prefix"], m["tokenizer.ggml.add_bos_token"], m["tokenizer.ggml.add_eos_token"] = flag, flag, !flag
				same(t, m)
			}
			if m["tokenizer.ggml.model"] == "gpt2" {
				for pre := range ggufPre {
					m["tokenizer.ggml.pre"] = pre
					same(t, m)
				}
			}
		})
	}
	if len(preRegexes) != len(ggufPre) {
		t.Errorf("%d pre-tokenizers of %d can be written", len(preRegexes), len(ggufPre))
	}
	if _, err := FolderFromGGUF(tinyGGUF{}); !errors.Is(err, ErrNoTokenizer) {
		t.Error(err)
	}
}
