package grammar

import "testing"

// toyTokens is a vocabulary of all bytes, some longer tokens, and two control
// tokens, the last of which ends a text.
type toyTokens struct{ tokens [][]byte }

const (
	toyCall = iota // <tool_call>, a control token
	toyEnd         // ends a text
	toyText        // first ordinary token
)

func newToyTokens() toyTokens {
	t := toyTokens{[][]byte{[]byte("<tool_call>"), []byte("<end>")}}
	for c := range 256 {
		t.tokens = append(t.tokens, []byte{byte(c)})
	}
	for _, s := range []string{`{"`, `":`, `": "`, `",`, `", "`, `"}`, "true", "false", "null", "12", "00", ".5", "abc", "hello", "é", "日本", "\n  ",
		"name", "age", "-1", "e+", `\n`, `\"`, `\u00`, "[]", "{}", "[{", "}]", "2024-", "T12:", "@", "<tool_call>"} {
		t.tokens = append(t.tokens, []byte(s))
	}
	return t
}

func (t toyTokens) Size() int               { return len(t.tokens) }
func (t toyTokens) Bytes(id int32) []byte   { return t.tokens[id] }
func (t toyTokens) IsControl(id int32) bool { return id < toyText }
func (t toyTokens) EOG() []int32            { return []int32{toyEnd} }
func toyVocabulary() *Vocabulary {
	return NewVocabulary(newToyTokens(), map[string]int32{"<tool_call>": toyCall, "<end>": toyEnd})
}

func hasBit(mask []uint64, id int32) bool { return mask[id>>6]>>(id&63)&1 != 0 }

// TestMaskIsExact checks the mask against the definition: a token is allowed
// exactly when its bytes can be read one by one.
func TestMaskIsExact(t *testing.T) {
	toy := newToyTokens()
	g, err := Compile(JSONSchema([]byte(`{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["age"]}`)), toyVocabulary())
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", `{`, `{"`, `{"name":`, `{"name":"a`, `{"name":"a\`, `{"age":1`, `{"age":1}`, "{\n "} {
		m := g.Start()
		if prefix != "" && !m.AcceptText([]byte(prefix)) {
			t.Fatalf("prefix %q is refused", prefix)
		}
		mask, err := m.Mask()
		if err != nil {
			t.Fatal(err)
		}
		for id := int32(toyText); int(id) < toy.Size(); id++ {
			probe := *m
			if want := probe.AcceptText(toy.Bytes(id)); want != hasBit(mask, id) {
				t.Errorf("after %q token %q: mask says %v, reading it says %v", prefix, toy.Bytes(id), !want, want)
			}
		}
		if hasBit(mask, toyEnd) != m.CanEnd() {
			t.Errorf("after %q: end token allowed %v, text complete %v", prefix, hasBit(mask, toyEnd), m.CanEnd())
		}
		if hasBit(mask, toyCall) {
			t.Errorf("after %q: a control token is allowed", prefix)
		}
	}
}

func TestLiteralUsesControlTokens(t *testing.T) {
	g, err := Compile(Seq(Literal("x<tool_call>\n"), JSONObject()), toyVocabulary())
	if err != nil {
		t.Fatal(err)
	}
	m := g.Start()
	for _, id := range []int32{toyText + 'x', toyCall, toyText + '\n', toyText + '{', toyText + '}', toyEnd} {
		mask, err := m.Mask()
		if err != nil {
			t.Fatal(err)
		}
		if !hasBit(mask, id) {
			t.Fatalf("token %d is not allowed", id)
		}
		if err := m.Accept(id); err != nil {
			t.Fatal(err)
		}
	}
	if !m.Done() {
		t.Error("not done after the end token")
	}
	if err := m.Accept(toyText); err == nil {
		t.Error("a token after the end is accepted")
	}
	m = g.Start()
	if m.AcceptText([]byte("x<tool_call>")) {
		t.Error("the control token's text is accepted letter by letter")
	}
}

func TestVocabularyCannotSpell(t *testing.T) {
	g, err := Compile(Choice([]string{"\x00"}), NewVocabulary(toyTokens{[][]byte{nil, nil, []byte("a")}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Start().Mask(); err == nil {
		t.Error("no error though no token fits")
	}
}
