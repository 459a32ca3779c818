package tokenizer

import (
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

func TestSmolLM2(t *testing.T) {
	tok := openGGUF(t, "smollm2-135m-instruct")
	checkGolden(t, tok, "real/smollm2.json.gz")
	if tok.Size() != 49152 || tok.BOS() != 1 || tok.EOS() != 2 || tok.PAD() != 2 || tok.UNK() != 0 || tok.AddBOS() || tok.AddEOS() {
		t.Errorf("size %d, BOS %d, EOS %d, PAD %d, UNK %d, adds %v %v", tok.Size(), tok.BOS(), tok.EOS(), tok.PAD(), tok.UNK(), tok.AddBOS(), tok.AddEOS())
	}
	if eog := tok.EOG(); len(eog) != 2 || eog[0] != 0 || eog[1] != 2 {
		t.Errorf("EOG %v, want <|endoftext|> and <|im_end|>", eog)
	}
	if !strings.Contains(tok.ChatTemplate(), "<|im_start|>") {
		t.Errorf("chat template %q", tok.ChatTemplate())
	}
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
