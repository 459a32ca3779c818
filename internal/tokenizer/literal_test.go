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

// No model makes a control token of plain text, though its vocabulary has it.
func TestControlTokensAreHidden(t *testing.T) {
	added := `[{"id":3,"content":"ba","special":true}]`
	model := `{"type":"BPE","ignore_merges":%s,"vocab":{"a":0,"b":1,"ab":2,"ba":3},"merges":["b a","a b"]}`
	for _, ignore := range []string{"false", "true"} {
		tok := tinyTokenizer(t, []byte(small(map[string]string{"added_tokens": added, "model": strings.Replace(model, "%s", ignore, 1)})))
		for _, s := range []string{"ba", "bab", "aba"} {
			if ids := tok.Encode(s, EncodeOptions{}); slices.Contains(ids, 3) {
				t.Errorf("ignore_merges %s: %q gives %v", ignore, s, ids)
			}
		}
		if ids := tok.Encode("ba", EncodeOptions{ParseSpecial: true}); !slices.Equal(ids, []int32{3}) {
			t.Errorf("ignore_merges %s: parsed, %v", ignore, ids)
		}
	}
}

func TestEndOfGeneration(t *testing.T) {
	for _, c := range []struct {
		added string
		want  []int32
	}{
		{`[{"id":3,"content":"<|end|>","special":true}]`, []int32{3}},
		{`[{"id":3,"content":"<|end|>","special":true},{"id":4,"content":"<|return|>","special":true},{"id":5,"content":"<|call|>","special":true}]`, []int32{4, 5}},
		{`[{"id":3,"content":"<|im_end|>","special":false},{"id":4,"content":"<end_of_turn>","special":true}]`, []int32{4}},
		{`[]`, nil},
	} {
		tok := tinyTokenizer(t, []byte(small(map[string]string{"added_tokens": c.added})))
		tok.setEOG([]int32{-1, 99})
		if !slices.Equal(tok.EOG(), c.want) {
			t.Errorf("%s: %v, want %v", c.added, tok.EOG(), c.want)
		}
	}
}
