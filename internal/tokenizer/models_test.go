package tokenizer

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/weights"
)

func openGGUF(t testing.TB, id string) *Tokenizer {
	t.Helper()
	g, err := weights.OpenGGUF(hubtest.Model(t, id))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := FromGGUF(g.Meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil { // the tokenizer keeps nothing of the file
		t.Fatal(err)
	}
	return tok
}

// want is what a tokenizer says of its special tokens.
type want struct {
	size                         int
	bos, eos, pad, unk           int32
	addBOS, addEOS, chatTemplate bool
	eog                          []int32
}

func checkSpecials(t *testing.T, tok *Tokenizer, w want) {
	t.Helper()
	have := want{
		tok.Size(), tok.BOS(), tok.EOS(), tok.PAD(), tok.UNK(), tok.AddBOS(), tok.AddEOS(), tok.ChatTemplate() != "", nil,
	}
	eog := w.eog
	w.eog = nil
	if have.size != w.size || have.bos != w.bos || have.eos != w.eos || have.pad != w.pad || have.unk != w.unk ||
		have.addBOS != w.addBOS || have.addEOS != w.addEOS || have.chatTemplate != w.chatTemplate {
		t.Errorf("have %+v\nwant %+v", have, w)
	}
	if !slices.Equal(tok.EOG(), eog) {
		t.Errorf("EOG %v, want %v", tok.EOG(), eog)
	}
}

func TestSmolLM2(t *testing.T) {
	tok := openGGUF(t, "smollm2-135m-instruct")
	checkGolden(t, tok, "real/smollm2.json.gz")
	checkSpecials(t, tok, want{size: 49152, bos: 1, eos: 2, pad: 2, unk: 0, chatTemplate: true, eog: []int32{0, 2}})
	if !strings.Contains(tok.ChatTemplate(), "<|im_start|>") {
		t.Errorf("chat template %q", tok.ChatTemplate())
	}
}

// The vocabulary in the GGUF file has scores where tokenizer.json has merges.
func TestGemma3GGUF(t *testing.T) {
	tok := openGGUF(t, "gemma-3-270m")
	checkGolden(t, tok, "real/gemma3.json.gz")
	checkSpecials(t, tok, want{size: 262144, bos: 2, eos: 1, pad: 0, unk: 3, addBOS: true, eog: []int32{1, 106}})
}

func TestMiniLM(t *testing.T) {
	path := hubtest.Model(t, "all-minilm-l6-v2")
	if !strings.HasSuffix(path, "v2") {
		path = filepath.Dir(path)
	}
	tok, err := FromFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, tok, "real/minilm.json.gz")
	checkSpecials(t, tok, want{size: 30522, bos: 101, eos: 102, pad: 0, unk: 100, addBOS: true, addEOS: true, eog: []int32{102}})
}

func BenchmarkLoadSmolLM2(b *testing.B) {
	g, err := weights.OpenGGUF(hubtest.Model(b, "smollm2-135m-instruct"))
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	for b.Loop() {
		if _, err := FromGGUF(g.Meta); err != nil {
			b.Fatal(err)
		}
	}
}
