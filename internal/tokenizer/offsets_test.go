package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func tinyVariant(t testing.TB, name string) *Tokenizer {
	t.Helper()
	models := tinyModels(t)
	_, variants := tinyVariants(t)
	i := slices.IndexFunc(variants, func(v variant) bool { return v.Name == name })
	if i < 0 {
		t.Fatalf("no variant %s", name)
	}
	return tinyTokenizer(t, variants[i].tokenizerJSON(t, models))
}

// Without normalisation every token is the very bytes that it says it covers.
func TestOffsetsOfBytes(t *testing.T) {
	for _, name := range []string{"bytelevel-llama3", "bytelevel-smollm", "bytelevel-deepseek3", "bytelevel-gpt-oss"} {
		tok := tinyVariant(t, name)
		for _, s := range append(corpus(t), "bad \xff\xc3 bytes \xe2\x82") {
			ids, offsets := tok.EncodeOffsets(s, EncodeOptions{ParseSpecial: true})
			at := 0
			for i, id := range ids {
				o := offsets[i]
				if o[0] != at || s[o[0]:o[1]] != string(tok.Bytes(id)) {
					t.Fatalf("%s: %q: token %d %q is said to cover %q at %d, the last ended at %d", name, s, i, tok.Bytes(id), s[o[0]:o[1]], o[0], at)
				}
				at = o[1]
			}
			if at != len(s) {
				t.Fatalf("%s: %q: the tokens end at %d of %d", name, s, at, len(s))
			}
		}
	}
}

// Tokens of SentencePiece models cover the text that they came from.
func TestOffsetsOfSentencePiece(t *testing.T) {
	for _, name := range []string{"spbpe-mistral", "spbpe-gemma", "spbpe-metaspace-first"} {
		tok := tinyVariant(t, name)
		for _, s := range corpus(t) {
			if strings.Contains(s, blank) {
				continue
			}
			ids, offsets := tok.EncodeOffsets(s, EncodeOptions{})
			at, prefix := 0, 0
			if name != "spbpe-gemma" && s != "" && !(name == "spbpe-metaspace-first" && s[0] == ' ') {
				prefix = 1 // the space put before the text covers nothing
			}
			for i, id := range ids {
				covers, raw := s[offsets[i][0]:offsets[i][1]], string(tok.Bytes(id))
				if i == 0 && prefix == 1 {
					raw = strings.TrimPrefix(raw, " ")
				}
				if offsets[i][0] != at || covers != raw {
					t.Fatalf("%s: %q: token %d %q is said to cover %q", name, s, i, raw, covers)
				}
				at = offsets[i][1]
			}
			if at != len(s) {
				t.Fatalf("%s: %q: the tokens end at %d of %d", name, s, at, len(s))
			}
		}
	}
}

// Normalisation changes lengths; tokens still point at what they came from.
func TestOffsetsThroughNormalisation(t *testing.T) {
	for _, c := range []struct{ variant, text, token, covers string }{
		{"wordpiece-bert", "Its VALUE", "value", "VALUE"},
		{"wordpiece-bert", "\x00\x01 é  e\u0301  the", "the", "the"},
		{"wordpiece-bert", "\u00e9", "e", "\u00e9"}, // the accent is gone
		{"bytelevel-nfkc", "a①b", "1", "①"},
		{"bytelevel-nfc", "x e\u0301 the", "the", "the"},
		{"unigram-t5", "Ａ Ａ the", "▁the", " the"},
		{"unigram-t5", "the …  value", "▁value", "  value"},
	} {
		tok := tinyVariant(t, c.variant)
		ids, offsets := tok.EncodeOffsets(c.text, EncodeOptions{})
		found := false
		for i, id := range ids {
			if tok.Text(id) == c.token || string(tok.Bytes(id)) == c.token && !strings.Contains(c.token, blank) {
				found = true
				if have := c.text[offsets[i][0]:offsets[i][1]]; have != c.covers {
					t.Errorf("%s: %q: token %q covers %q, want %q", c.variant, c.text, c.token, have, c.covers)
				}
			}
		}
		if !found {
			var names []string
			for _, id := range ids {
				names = append(names, tok.Text(id))
			}
			t.Errorf("%s: %q: no token %q among %q", c.variant, c.text, c.token, names)
		}
	}
}

// All kinds, on text of which nothing is known.
func TestOffsetsAreRuneBoundaries(t *testing.T) {
	for _, name := range []string{"wordpiece-bert", "unigram-t5", "unigram-xlmr", "bytelevel-nfkd-lower"} {
		tok := tinyVariant(t, name)
		for _, s := range corpus(t) {
			_, offsets := tok.EncodeOffsets(s, EncodeOptions{})
			for i, o := range offsets {
				start, end := o[0] == len(s) || utf8.RuneStart(s[o[0]]), o[1] == len(s) || utf8.RuneStart(s[o[1]])
				if !strings.HasPrefix(name, "bytelevel") && (!start || !end) || i > 0 && (o[0] < offsets[i-1][0] || o[1] < offsets[i-1][1]) {
					t.Fatalf("%s: %q: token %d covers %v after %v", name, s, i, o, offsets[max(i-1, 0)])
				}
			}
		}
	}
}
