package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// supported are schemas with instances in the order in which graft writes keys.
// Whether an instance is valid is decided by the jsonschema package.
var supported = []struct {
	name, schema string
	instances    []string
}{
	{"any", `true`, []string{`1`, `"x"`, `{"a":[1,2,{}]}`, `[]`, `null`, `-0.5e10`, `"\ud83d\ude00é"`}},
	{"empty", `{}`, []string{`1`, `[true,false]`}},
	{"object", `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name"]}`,
		[]string{`{"name":"x"}`, `{"name":"x","age":3}`, `{"age":3}`, `{"name":1}`, `{}`, `[]`, `{"name":"a\"b\\c\n\u00e9"}`, `{"name":"x","age":3.5}`}},
	{"closed", `{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false}`,
		[]string{`{}`, `{"a":1}`, `{"b":1}`, `{"a":1,"b":2}`}},
	{"extras", `{"type":"object","properties":{"a":{"type":"integer"},"ab":{"type":"integer"}},"required":["a"],"additionalProperties":{"type":"string"}}`,
		[]string{`{"a":1}`, `{"a":1,"b":"x"}`, `{"a":1,"abc":"x","c":"y"}`, `{"a":1,"b":2}`, `{"a":1,"ab":"x"}`, `{"a":1,"ab":2,"ba":"x"}`}},
	{"extras without required", `{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":true}`,
		[]string{`{}`, `{"b":1}`, `{"a":1,"b":[]}`, `{"a":"x"}`, `{"aa":"x"}`}},
	{"map", `{"type":"object","additionalProperties":{"type":"integer"},"minProperties":1,"maxProperties":2}`,
		[]string{`{}`, `{"a":1}`, `{"a":1,"b":2}`, `{"a":1,"b":2,"c":3}`, `{"a":"x"}`}},
	{"required without properties", `{"type":"object","required":["q"]}`, []string{`{"q":1}`, `{}`, `{"q":{"z":[]}}`}},
	{"first optional", `{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},"required":["b"],"additionalProperties":false}`,
		[]string{`{"b":null}`, `{"a":null,"b":null}`, `{"b":null,"c":null}`, `{"a":null,"c":null}`, `{"a":null}`, `{}`}},
	{"array", `{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3}`,
		[]string{`[]`, `[true]`, `[true,false,true]`, `[true,true,true,true]`, `[1]`, `true`}},
	{"array min", `{"type":"array","items":{"type":"integer"},"minItems":2}`, []string{`[1]`, `[1,2]`, `[1,2,3,4,5,6]`}},
	{"tuple", `{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false,"minItems":1}`,
		[]string{`[]`, `[1]`, `[1,"a"]`, `[1,"a",2]`, `["a"]`}},
	{"tuple open", `{"type":"array","prefixItems":[{"type":"integer"}],"items":{"type":"string"},"minItems":2,"maxItems":3}`,
		[]string{`[1]`, `[1,"a"]`, `[1,"a","b"]`, `[1,"a","b","c"]`, `[1,2]`}},
	{"enum", `{"enum":["red","green",1,2.5,null,true,{"a":[1]}]}`,
		[]string{`"red"`, `"blue"`, `1`, `2`, `2.5`, `null`, `true`, `false`, `{"a":[1]}`}},
	{"enum typed", `{"type":"string","enum":["a","b",3]}`, []string{`"a"`, `3`}},
	{"const", `{"const":"x\n"}`, []string{`"x\n"`, `"y"`}},
	{"anyOf", `{"anyOf":[{"type":"string","maxLength":2},{"type":"integer","minimum":5},{"type":"null"}]}`,
		[]string{`"ab"`, `"abc"`, `5`, `4`, `null`, `true`}},
	{"oneOf types", `{"oneOf":[{"type":"string"},{"type":"integer"}]}`, []string{`"a"`, `1`, `1.5`, `null`}},
	{"oneOf tagged", `{"oneOf":[{"type":"object","properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"]},{"type":"object","properties":{"kind":{"const":"b"},"y":{"type":"string"}},"required":["kind"]}]}`,
		[]string{`{"kind":"a","x":1}`, `{"kind":"b","y":"q"}`, `{"kind":"b"}`, `{"kind":"a"}`, `{"kind":"c"}`}},
	{"allOf one", `{"allOf":[{"$ref":"#/$defs/t"}],"description":"d","$defs":{"t":{"type":"integer"}}}`, []string{`1`, `"a"`}},
	{"types", `{"type":["string","null"]}`, []string{`"a"`, `null`, `1`}},
	{"recursive", `{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"],"additionalProperties":false}}}`,
		[]string{`{"v":1,"next":null}`, `{"v":1,"next":{"v":2,"next":null}}`, `{"v":1}`, `{"v":1,"next":{"v":2}}`}},
	{"recursive root", `{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#"}}},"additionalProperties":false}`,
		[]string{`{}`, `{"kids":[]}`, `{"kids":[{},{"kids":[{}]}]}`, `{"kids":[1]}`}},
	{"length", `{"type":"string","minLength":2,"maxLength":4}`, []string{`"a"`, `"ab"`, `"abcd"`, `"abcde"`, `"éé"`, `"日本語文"`, `"\ud83d\ude00x"`, `"\ud83d\ude00"`}},
	{"pattern", `{"type":"string","pattern":"^[A-Z]{2}-\\d+$"}`, []string{`"AB-1"`, `"AB-"`, `"ab-1"`, `"AB-123"`, `"xAB-1"`}},
	{"pattern open", `{"type":"string","pattern":"b+"}`, []string{`"abc"`, `"ac"`, `"b"`, `"xxbbyy"`}},
	{"pattern alternatives", `{"type":"string","pattern":"^(foo|ba[rz])$"}`, []string{`"foo"`, `"bar"`, `"baz"`, `"ba"`, `"food"`}},
	{"pattern escapes", `{"type":"string","pattern":"^[\"\\\\\\n]é.$"}`, []string{`"\"éx"`, `"\\é日"`, `"\né "`, `"aéx"`}},
	{"integer range", `{"type":"integer","minimum":-12,"maximum":105}`, []string{`-13`, `-12`, `-9`, `0`, `7`, `99`, `100`, `105`, `106`, `1000`}},
	{"integer open range", `{"type":"integer","exclusiveMinimum":0}`, []string{`-1`, `0`, `1`, `10`, `99999`}},
	{"integer below", `{"type":"integer","maximum":-5.5}`, []string{`-5`, `-6`, `-100`, `0`}},
	{"number range", `{"type":"number","minimum":0.25,"exclusiveMaximum":1.5}`,
		[]string{`0.25`, `0.2`, `0.249`, `0.2500`, `0.3`, `1`, `1.0`, `1.49`, `1.5`, `1.50`, `1.51`, `2`, `0`, `0.26`}},
	{"number negative", `{"type":"number","minimum":-2.5,"maximum":-1.25}`, []string{`-2.5`, `-2.50`, `-2.51`, `-1.25`, `-1.2`, `-2`, `-1.3`, `0`, `2`}},
	{"number exclusive", `{"type":"number","exclusiveMinimum":-0.5,"exclusiveMaximum":0.5}`, []string{`-0.5`, `-0.49`, `0`, `0.0`, `0.49`, `0.5`, `0.50`, `1`, `-1`}},
	{"number above", `{"type":"number","exclusiveMinimum":1.05}`, []string{`1`, `1.05`, `1.050`, `1.0501`, `1.1`, `2`, `100.5`}},
	{"number point", `{"type":"number","minimum":1.5,"maximum":1.5}`, []string{`1.5`, `1.50`, `1.4`, `1.51`, `1`}},
	{"unit interval", `{"minimum":0,"exclusiveMaximum":1,"type":"number"}`, []string{`0`, `0.0`, `0.999`, `1`, `1.0`}},
	{"multiple", `{"type":"integer","multipleOf":7}`, []string{`0`, `7`, `-14`, `8`, `700`, `701`}},
	{"multiple cents", `{"type":"number","multipleOf":0.01}`, []string{`1`, `1.5`, `1.25`, `1.255`, `-3.10`}},
	{"multiple range", `{"type":"number","multipleOf":0.5,"minimum":-1,"exclusiveMaximum":2}`, []string{`-1`, `-0.5`, `0`, `0.5`, `1.5`, `2`, `0.25`}},
	{"formats", `{"type":"object","properties":{"d":{"type":"string","format":"date"},"t":{"type":"string","format":"time"},"dt":{"type":"string","format":"date-time"},"u":{"type":"string","format":"uuid"},"e":{"type":"string","format":"email"},"h":{"type":"string","format":"hostname"},"i":{"type":"string","format":"ipv4"},"j":{"type":"string","format":"ipv6"},"p":{"type":"string","format":"duration"}}}`,
		[]string{`{"d":"2024-02-28"}`, `{"d":"2024-13-01"}`, `{"t":"23:59:59Z"}`, `{"t":"24:00:00Z"}`, `{"dt":"2024-01-31T00:00:00+01:00"}`, `{"u":"123e4567-e89b-12d3-a456-426614174000"}`, `{"e":"a.b@example.org"}`, `{"e":"a"}`, `{"i":"255.1.2.3"}`, `{"i":"256.1.2.3"}`, `{"p":"P1DT2H"}`, `{"p":"P"}`}},
	{"odd keys", `{"type":"object","properties":{"a/b":{"type":"integer"},"~":{"type":"integer"},"é\"":{"type":"integer"}},"required":["a/b","~","é\""],"additionalProperties":false}`,
		[]string{`{"a/b":1,"~":2,"é\"":3}`, `{"a/b":1}`}},
	{"other type's keywords", `{"type":"string","minimum":3,"properties":{}}`, []string{`"a"`, `1`}},
}

func validator(t testing.TB, schema string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(s *jsonschema.Schema, text string) bool {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	return err == nil && s.Validate(doc) == nil
}

func accepts(g *Grammar, text string) bool {
	m := g.Start()
	return m.AcceptText([]byte(text)) && m.CanEnd()
}

func TestSchemaAcceptsWhatValidates(t *testing.T) {
	v := toyVocabulary()
	for _, test := range supported {
		t.Run(test.name, func(t *testing.T) {
			g, err := Compile(JSONSchema([]byte(test.schema)), v)
			if err != nil {
				t.Fatal(err)
			}
			s := validator(t, test.schema)
			for _, text := range test.instances {
				if want, have := valid(s, text), accepts(g, text); want != have {
					t.Errorf("%s: the validator says %v, the grammar %v", text, want, have)
				}
				if test.name == "enum" {
					continue // constants are written without white space
				}
				spaced := indent(t, text)
				if want, have := valid(s, spaced), accepts(g, spaced); want != have {
					t.Errorf("%s: the validator says %v, the grammar %v", spaced, want, have)
				}
			}
		})
	}
}

func indent(t *testing.T, text string) string {
	var buf bytes.Buffer
	if err := json.Indent(&buf, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// TestRandomWalksValidate lets a model without sense write under each schema:
// whatever it ends with must validate.
func TestRandomWalksValidate(t *testing.T) {
	toy, v := newToyTokens(), toyVocabulary()
	for _, test := range supported {
		t.Run(test.name, func(t *testing.T) {
			g, err := Compile(JSONSchema([]byte(test.schema)), v)
			if err != nil {
				t.Fatal(err)
			}
			s := validator(t, test.schema)
			ended := 0
			for seed := range uint64(60) {
				text, ok := walk(t, g, toy, rand.New(rand.NewPCG(seed, 1)), 600)
				if !ok {
					continue
				}
				ended++
				if !utf8.ValidString(text) || !valid(s, text) {
					t.Fatalf("seed %d: %q does not validate", seed, text)
				}
			}
			if ended < 10 {
				t.Errorf("only %d of 60 walks ended", ended)
			}
		})
	}
}

// walk picks allowed tokens at random, ending when it may with some favour.
func walk(t testing.TB, g *Grammar, toy toyTokens, rng *rand.Rand, steps int) (string, bool) {
	m := g.Start()
	var text []byte
	for range steps {
		mask, err := m.Mask()
		if err != nil {
			t.Fatalf("after %q: %v", text, err)
		}
		if m.CanEnd() && rng.IntN(3) == 0 {
			return string(text), true
		}
		var ids []int32
		for id := range int32(toy.Size()) {
			if hasBit(mask, id) {
				ids = append(ids, id)
				// Let texts end: a closing character counts many times.
				if b := toy.Bytes(id); len(b) == 1 && strings.ContainsRune(`"]}`, rune(b[0])) {
					for range 60 {
						ids = append(ids, id)
					}
				}
			}
		}
		id := ids[rng.IntN(len(ids))]
		if err := m.Accept(id); err != nil {
			t.Fatalf("after %q the mask allows %d, but: %v", text, id, err)
		}
		if id == toyEnd {
			return string(text), true
		}
		text = append(text, toy.Bytes(id)...)
	}
	return string(text), false
}

func TestSchemaRefusals(t *testing.T) {
	for _, test := range []struct{ schema, keyword string }{
		{`{"type":"object","patternProperties":{"^a":{}}}`, "patternProperties"},
		{`{"type":"array","uniqueItems":true}`, "uniqueItems"},
		{`{"type":"array","contains":{}}`, "contains"},
		{`{"not":{"type":"string"}}`, "not"},
		{`{"if":{},"then":{}}`, "if"},
		{`{"allOf":[{"type":"string"},{"minLength":2}]}`, "allOf"},
		{`{"oneOf":[{"type":"string"},{"type":"string","minLength":2}]}`, "oneOf"},
		{`{"$ref":"other.json"}`, "$ref"},
		{`{"$ref":"#/$defs/none"}`, "$ref"},
		{`{"type":"string","pattern":"(?=a)b"}`, "pattern"},
		{`{"type":"string","pattern":"a\\b"}`, "pattern"},
		{`{"type":"string","format":"iri"}`, "format"},
		{`{"type":"string","pattern":"a","minLength":1}`, "minLength"},
		{`{"type":"float"}`, "type"},
		{`{"type":3}`, "type"},
		{`{"type":"object","properties":{"a":{"type":"object","propertyNames":{}}}}`, "propertyNames"},
		{`{"type":"integer","minimum":5,"maximum":4}`, "minimum"},
		{`{"type":"integer","minimum":4.2,"maximum":4.8}`, "minimum"},
		{`{"type":"number","minimum":1e400}`, "minimum"},
		{`{"type":"number","multipleOf":0.3}`, "multipleOf"},
		{`{"enum":[]}`, "enum"},
		{`false`, "false"},
		{`{"type":"object","required":["a"],"properties":{"b":{}},"additionalProperties":false}`, "required"},
		{`{"type":"string","unknownKeyword":1}`, "unknownKeyword"},
		{`{"items":[{}]}`, "items"},
	} {
		_, err := Compile(JSONSchema([]byte(test.schema)), toyVocabulary())
		var se *SchemaError
		if !errors.As(err, &se) || se.Keyword != test.keyword {
			t.Errorf("%s: want a refusal of %q, have %v", test.schema, test.keyword, err)
		}
	}
	for _, schema := range []string{``, `{`, `nope`, `{"$ref":"#"}`, `{"anyOf":[{"$ref":"#"},{"type":"null"}]}`,
		`{"type":"object","properties":{"self":{"$ref":"#"}},"required":["self"]}`,
		`{"type":"array","items":{"type":"integer"},"minItems":300000}`, strings.Repeat(`{"items":`, 400) + `{}` + strings.Repeat(`}`, 400)} {
		if _, err := Compile(JSONSchema([]byte(schema)), toyVocabulary()); err == nil {
			t.Errorf("%.60s is accepted", schema)
		}
	}
}

func TestRegexAndChoice(t *testing.T) {
	v := toyVocabulary()
	for _, test := range []struct {
		c       Constraint
		yes, no []string
	}{
		{Regex(`(yes|no)[.!]?`), []string{"yes", "no!", "no."}, []string{"", "maybe", "yes?", "xyes"}},
		{Regex(`\p{Greek}+ [^a-z]`), []string{"αβγ A", "ω é", "λ 日"}, []string{"a A", "α b"}},
		{Regex(`(?i)ok`), []string{"OK", "ok", "oK", "o\u212a"}, []string{"no"}},
		{Choice([]string{"Positive", "Negative", "Neutral", ""}), []string{"Positive", "Neutral", ""}, []string{"Pos", "Negativex"}},
		{JSONObject(), []string{`{}`, `{"a": [1, {"b": null}]}`}, []string{`[]`, `{"a"}`, `{"a":1,}`, `1`}},
		{Seq(Literal("a"), Repeat(Literal("b"), 1, 3), Alt(Literal("c"), Literal("d"))), []string{"abc", "abbbd"}, []string{"ac", "abbbbc", "ab"}},
		{Seq(Text(), Literal("END")), []string{"END", "日本 xENDEND"}, []string{"EN", "\xffEND"}},
	} {
		g, err := Compile(test.c, v)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range test.yes {
			if !accepts(g, s) {
				t.Errorf("%q is refused", s)
			}
		}
		for _, s := range test.no {
			if accepts(g, s) {
				t.Errorf("%q is accepted", s)
			}
		}
	}
}

// TestCacheBound walks until the cache has started afresh several times; the
// masks must not change.
func TestCacheBound(t *testing.T) {
	g, err := Compile(JSONSchema([]byte(`{"type":"string","minLength":3000,"maxLength":9000}`)), toyVocabulary())
	if err != nil {
		t.Fatal(err)
	}
	m := g.Start()
	if !m.AcceptText([]byte(`"`)) {
		t.Fatal("no quote")
	}
	for i := range 9000 {
		if !m.AcceptText([]byte("é")) {
			t.Fatalf("character %d is refused", i)
		}
		mask, err := m.Mask()
		if err != nil {
			t.Fatal(err)
		}
		if have, want := hasBit(mask, toyText+'"'), i >= 2999; have != want {
			t.Fatalf("after %d characters the closing quote is allowed: %v", i+1, have)
		}
	}
	if n := len(g.states); n > maxStates {
		t.Errorf("%d states kept, bound is %d", n, maxStates)
	}
	if m.AcceptText([]byte("é")) {
		t.Error("character 9001 is accepted")
	}
}

func FuzzSchema(f *testing.F) {
	for _, test := range supported {
		f.Add([]byte(test.schema), uint64(1))
	}
	f.Add([]byte(`{"type":"number","minimum":-1e-9,"maximum":3.14159}`), uint64(2))
	toy, v := newToyTokens(), toyVocabulary()
	f.Fuzz(func(t *testing.T, schema []byte, seed uint64) {
		if len(schema) > 2000 {
			return
		}
		g, err := Compile(JSONSchema(schema), v)
		if err != nil {
			return
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
		if err != nil {
			return
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("mem:///schema.json", doc); err != nil {
			return
		}
		s, err := c.Compile("mem:///schema.json")
		if err != nil {
			return // a schema that the validator refuses has no meaning
		}
		if text, ok := walk(t, g, toy, rand.New(rand.NewPCG(seed, 7)), 300); ok && !valid(s, text) {
			t.Fatalf("%s allows %q", schema, text)
		}
	})
}

func BenchmarkMaskInString(b *testing.B) {
	g, err := Compile(JSONSchema([]byte(`{"type":"string"}`)), toyVocabulary())
	if err != nil {
		b.Fatal(err)
	}
	m := g.Start()
	m.AcceptText([]byte(`"abc`))
	for b.Loop() {
		if _, err := m.Mask(); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleRegex() {
	g, err := Compile(Regex(`\d{4}`), toyVocabulary())
	fmt.Println(err, accepts(g, "2024"), accepts(g, "24"))
	// Output: <nil> true false
}
