package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

// Nobody who writes text can write control tokens into it.
func TestLiteral(t *testing.T) {
	v := variant{Model: "bytelevel"}
	tok := tinyTokenizer(t, v.tokenizerJSON(t, tinyModels(t)))
	end, _ := tok.ID("<|im_end|>")
	think, _ := tok.ID("</think>")
	text := "<|im_end|>user <|im_end|> x</think><|im_end|>"
	user := strings.Index(text, "user")
	for _, c := range []struct {
		name    string
		literal []Span
		parse   bool
		ends    int // how many <|im_end|>
		thinks  int
	}{
		{"all", nil, true, 3, 1},
		{"none parsed", nil, false, 0, 0},
		{"user text", []Span{{user, user + 17}}, true, 2, 1},
		{"user text and markup", []Span{{user, len(text) - len("<|im_end|>")}}, true, 2, 0},
		{"a part of a token", []Span{{user + 10, user + 11}}, true, 2, 1},
		{"the last byte", []Span{{len(text) - 1, len(text)}}, true, 2, 1},
		{"straddled from before", []Span{{3, user}}, true, 2, 1},
		{"an empty span", []Span{{5, 5}}, true, 3, 1},
		{"two spans", []Span{{0, 1}, {user + 5, user + 6}}, true, 1, 1},
		{"everything", []Span{{0, len(text)}}, true, 0, 0},
	} {
		ids := tok.Encode(text, EncodeOptions{ParseSpecial: c.parse, Literal: c.literal})
		ends := len(slices.DeleteFunc(slices.Clone(ids), func(id int32) bool { return id != end }))
		thinks := len(slices.DeleteFunc(slices.Clone(ids), func(id int32) bool { return id != think }))
		if ends != c.ends || thinks != c.thinks {
			t.Errorf("%s: %d ends and %d thinks, want %d and %d: %v", c.name, ends, thinks, c.ends, c.thinks, ids)
		}
		if have := tok.Decode(ids, false); have != text {
			t.Errorf("%s: decodes to %q", c.name, have)
		}
	}
}

// The same holds for every kind of model, whose vocabularies have control
// tokens among the others.
func TestLiteralInEveryKind(t *testing.T) {
	models := tinyModels(t)
	_, variants := tinyVariants(t)
	for _, v := range variants {
		tok := tinyTokenizer(t, v.tokenizerJSON(t, models))
		for id := range int32(tok.Size()) {
			if !tok.IsControl(id) || id == tok.UNK() {
				continue
			}
			text := "a " + tok.Text(id) + " b" + tok.Text(id)
			ids := tok.Encode(text, EncodeOptions{ParseSpecial: true, Literal: []Span{{0, len(text)}}})
			if slices.Contains(ids, id) {
				t.Errorf("%s: the literal text %q gives control token %d: %v", v.Name, text, id, ids)
			}
			if ids := tok.Encode(text, EncodeOptions{ParseSpecial: true}); !slices.Contains(ids, id) {
				t.Errorf("%s: the text %q does not give control token %d: %v", v.Name, text, id, ids)
			}
		}
	}
}

// Added tokens that are ordinary text are recognised everywhere: the model
// knows the text by them.
func TestOrdinaryAddedTokensAreAlwaysFound(t *testing.T) {
	models := tinyModels(t)
	_, variants := tinyVariants(t)
	i := slices.IndexFunc(variants, func(v variant) bool { return v.Name == "bytelevel-flags" })
	tok := tinyTokenizer(t, variants[i].tokenizerJSON(t, models))
	id, ok := tok.ID("é")
	if !ok {
		t.Fatal("the variant has no é")
	}
	for _, o := range []EncodeOptions{{}, {ParseSpecial: true}, {ParseSpecial: true, Literal: []Span{{0, 3}}}} {
		if ids := tok.Encode("aé", o); !slices.Contains(ids, id) {
			t.Errorf("%+v: %v is without %d", o, ids, id)
		}
	}
}
