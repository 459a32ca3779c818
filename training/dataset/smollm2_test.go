package dataset

import (
	"slices"
	"strings"
	"testing"

	"graft/internal/chat"
	"graft/internal/hub/hubtest"
	"graft/internal/tokenizer"
	"graft/internal/weights"
)

func smollm2(t testing.TB) *Format {
	t.Helper()
	g, err := weights.OpenGGUF(hubtest.Model(t, "smollm2-135m-instruct"))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	tok, err := tokenizer.FromGGUF(g.Meta)
	if err != nil {
		t.Fatal(err)
	}
	return NewFormat(tok, FormatOptions{})
}

// load reads lines without a least number of rows.
func load(t testing.TB, f *Format, text string, o Options) *Set {
	t.Helper()
	o.Format, o.MinRows = f, -1
	s, err := Load(t.Context(), strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// trained is the text of the tokens that have a weight; | stands between stretches.
func trained(f *Format, s *Sequence) string {
	out, on := "", false
	for i, id := range s.IDs {
		if s.Weights[i] > 0 {
			if !on && out != "" {
				out += "|"
			}
			if f.tok.IsControl(id) {
				out += f.tok.Text(id)
			} else {
				out += string(f.tok.Bytes(id))
			}
		}
		on = s.Weights[i] > 0
	}
	return out
}

func TestSmolLM2(t *testing.T) {
	f := smollm2(t)
	for _, c := range []struct {
		name, row string
		want      []string // trained text of each sequence
	}{
		{"one turn", `{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!"}]}`,
			[]string{"Hello!<|im_end|>"}},
		{"two turns", `{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!"},{"role":"user","content":"And?"},{"role":"assistant","content":"Bye."}]}`,
			[]string{"Hello!<|im_end|>|Bye.<|im_end|>"}},
		{"weight 0", `{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!","weight":0},{"role":"user","content":"And?"},{"role":"assistant","content":"Bye.","weight":1}]}`,
			[]string{"Bye.<|im_end|>"}},
		{"completion", `{"prompt":"2+2=","completion":"4"}`, []string{"4<|im_end|>"}},
		{"a word that goes on", `{"prompt":"Nothing hap","completion":"pened."}`, []string{"pened.<|im_end|>"}},
		{"an answer that begins with line ends", `{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"\n\nHello!"}]}`, []string{"\n\nHello!<|im_end|>"}},
		{"call", `{"messages":[{"role":"user","content":"Weather?"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]}],"tools":[{"type":"function","function":{"name":"weather"}}]}`,
			[]string{`<tool_call>[{"name": "weather", "arguments": {"city":"Rome"}}]</tool_call><|im_end|>`}},
	} {
		s := load(t, f, c.row, Options{})
		if err := s.Err(); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		list, err := f.Sequences(&s.Rows[0], RenderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i, q := range list {
			if i >= len(c.want) || trained(f, q) != c.want[i] {
				t.Errorf("%s: sequence %d trains %q, want %q", c.name, i, trained(f, q), c.want)
			}
			servedPrefix(t, f, &s.Rows[0], q)
			if err := s.Examples[i].Check(f.tok.Size(), 4096); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if len(list) != len(c.want) {
			t.Errorf("%s: %d sequences, want %d", c.name, len(list), len(c.want))
		}
	}
}

// servedPrefix: a sequence begins with the tokens that serving would send, and spells its text.
func servedPrefix(t *testing.T, f *Format, r *Row, s *Sequence) {
	t.Helper()
	var prompt []int32
	if r.Kind == Completion {
		prompt = f.tok.Encode(r.Prompt, tokenizer.EncodeOptions{AddSpecial: true, ParseSpecial: true})
	} else {
		k := s.Turn
		if k < 0 {
			for k = 0; r.Weights[k] == 0; k++ {
			}
		}
		out, err := f.template.Render(chat.Input{Messages: r.Messages[:k], Tools: r.Tools, Vars: f.vars, Now: f.now, AddGenerationPrompt: true})
		if err != nil {
			t.Fatal(err)
		}
		literal := []tokenizer.Span{}
		for _, span := range out.Spans {
			literal = append(literal, tokenizer.Span{Start: span.Start, End: span.End})
		}
		prompt = f.tok.Encode(out.Text, tokenizer.EncodeOptions{ParseSpecial: true, Literal: literal})
	}
	if len(s.IDs) <= len(prompt) || !slices.Equal(s.IDs[:len(prompt)], prompt) {
		t.Errorf("line %d: the row %v does not begin with the prompt %v", r.Line, s.IDs, prompt)
	}
	for i, w := range s.Weights[:s.Prompt] {
		if w != 0 {
			t.Errorf("line %d: token %d of the prompt is trained", r.Line, i)
		}
	}
}
