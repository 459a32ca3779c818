package native

import (
	"encoding/json"
	"strings"
	"testing"

	"graft/internal/chat"
	"graft/internal/grammar"
	"graft/internal/tokenizer"
	"graft/serving"
)

// A strict tool's call follows its schema from the trigger on, and only there.
func TestToolWatch(t *testing.T) {
	b := newBackend(t, tinyOptions(t))
	if err := b.Load(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	in := b.models.loaded()[0]
	tool := func(name, schema string, strict bool) chat.Tool {
		return chat.Tool{Name: name, Strict: strict, Parameters: json.RawMessage(schema), Raw: json.RawMessage(`{"type":"function","function":{"name":"` + name + `","parameters":` + schema + `}}`)}
	}
	req := greedy("tiny")
	req.Messages = []chat.Message{chat.Text("user", "hello")}
	req.Tools = []chat.Tool{
		tool("strict", `{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}`, true),
		tool("loose", `{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}`, false),
	}
	p, err := in.promptOf(req)
	if err != nil {
		t.Fatal(err)
	}
	start, err := in.constraintFor(req, &p)
	if err != nil || start == nil {
		t.Fatalf("no watch: %v", err)
	}
	const strict = "<tool_call>\n{\"name\": \"strict\", \"arguments\": "
	const end = "}\n</tool_call>"
	for _, c := range []struct {
		text string
		bad  string // the piece that must not be allowed; "" when all goes
	}{
		{"just text with {braces} and <tool_", ""},
		{"first this. " + strict + `{"n": 12}` + end + " and then text " + strict + `{"n":-3}` + end, ""},
		{strict + `{"n": "x"}` + end, `"`},
		{strict + `{"m": 1}` + end, "m"},
		{"<tool_call>\n" + `{"name": "loose", "arguments": {"anything": ["goes"]}` + end, ""},
		{"<tool_call>\n" + `{"name": "neither", "arguments": {}` + end, "n"},
	} {
		w := start()
		rest, allowed := c.text, true
		for _, id := range in.tok.Encode(c.text, tokenizer.EncodeOptions{}) {
			mask, err := w.Mask()
			if err != nil {
				t.Fatal(err)
			}
			if allowed = mask == nil || mask[id/64]>>(id%64)&1 == 1; !allowed {
				if c.bad == "" || !strings.HasPrefix(strings.TrimLeft(rest, " "), c.bad) && !strings.Contains(in.tok.Text(id), c.bad) {
					t.Errorf("%q: not allowed at %q", c.text, rest)
				}
				break
			}
			if err := w.Accept(id); err != nil {
				t.Fatal(err)
			}
			rest = rest[len(in.tok.Bytes(id)):]
		}
		if allowed && c.bad != "" {
			t.Errorf("%q: all was allowed", c.text)
		}
	}

	req.Tools = req.Tools[1:]
	if start, err := in.constraintFor(req, &p); start != nil || err != nil {
		t.Errorf("tools that are not strict are watched (%v)", err)
	}
	req.Tools = []chat.Tool{tool("f", `{"not":{}}`, true)}
	if _, err := in.constraintFor(req, &p); err == nil || err.(*serving.ParamError).Param != "tools" {
		t.Errorf("%v, want an error about tools", err)
	}
}

// Inside reasoning nothing is a call.
func TestToolWatchReasoning(t *testing.T) {
	texts := []string{"<think>", "a <tool_call>", " b</th", "ink> c <tool", "_call>", "{"}
	b := newBackend(t, tinyOptions(t))
	if err := b.Load(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	in := b.models.loaded()[0]
	dialect, _ := chat.DialectNamed("hermes")
	shape, _ := dialect.Shape([]chat.Tool{{Name: "f"}}, false)
	shape.Calls[0].Begin = strings.TrimPrefix(shape.Calls[0].Begin, "<tool_call>")
	g, err := grammar.Compile(textOf(shape), in.vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	w := &toolWatch{calls: g, triggers: dialect.Triggers(), open: "<think>", close: "</think>", text: func(id int32) []byte { return []byte(texts[id]) }}
	for id := range texts[:5] {
		if w.call != nil {
			t.Fatalf("a call began before %q", texts[id])
		}
		if err := w.Accept(int32(id)); err != nil {
			t.Fatal(err)
		}
	}
	if w.call == nil {
		t.Error("the call behind the reasoning was not seen")
	}
}
