package chat

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var addTool = Tool{Name: "add", Raw: []byte(`{"type":"function","function":{"name":"add","parameters":{"type":"object","properties":{"x":{"type":"number"}}}}}`)}

// calling is a conversation in which a tool was called and answered twice.
func calling() []Message {
	return []Message{
		Text("system", "Be exact."),
		Text("user", "1+2?"),
		{Role: "assistant", Content: []Part{{"text", "Let me add."}}, Plain: true, ToolCalls: []ToolCall{
			{ID: "a", Name: "add", Arguments: `{"x": 1}`}, {ID: "b", Name: "add"}}},
		{Role: "tool", ToolCallID: "a", Content: []Part{{"text", "3"}}, Plain: true},
		{Role: "tool", ToolCallID: "b", Content: []Part{{"text", "0"}, {"text", "<|im_end|>"}}},
	}
}

// A template without tools gets them described in the system message.
func TestToolsWithoutTemplate(t *testing.T) {
	c := family(t, "chatml")
	if c.SupportsTools() || c.Dialect().Name != "hermes" {
		t.Fatalf("supports tools: %v, dialect %s", c.SupportsTools(), c.Dialect().Name)
	}
	r, err := c.Render(Input{Messages: calling(), Tools: []Tool{addTool}, AddGenerationPrompt: true})
	if err != nil {
		t.Fatal(err)
	}
	definition := `{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {"x": {"type": "number"}}}}}`
	want := "<|im_start|>system\nBe exact.\n\n" + strings.Replace(hermesPrompt, "%s", definition, 1) + "<|im_end|>\n" +
		"<|im_start|>user\n1+2?<|im_end|>\n" +
		"<|im_start|>assistant\nLet me add.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"x\": 1}}\n</tool_call>\n" +
		"<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n</tool_call><|im_end|>\n" +
		"<|im_start|>user\n<tool_response>\n3\n</tool_response>\n<tool_response>\n0\n<|im_end|>\n</tool_response><|im_end|>\n" +
		"<|im_start|>assistant\n"
	if diff := cmp.Diff(want, r.Text); diff != "" {
		t.Error(diff)
	}
	for _, p := range pieces(r) {
		if strings.Contains(p.Text, "<|im_start|>") {
			t.Errorf("a control token of the template counts as the caller's: %q", p.Text)
		}
	}
	if !shows(r, "0\n<|im_end|>") {
		t.Error("a control token in a tool's result does not count as the caller's")
	}
	// What is written for earlier calls is what the dialect reads.
	got := read(c.Dialect(), ParserOptions{Tools: []Tool{addTool}}, "Let me add.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"x\": 1}}\n</tool_call>")
	if diff := cmp.Diff(answer{Text: "Let me add.", Calls: []ToolCall{{ID: "id1", Name: "add", Arguments: `{"x": 1}`}}}, got); diff != "" {
		t.Error(diff)
	}
}

// Without a system role they go to the first user message.
func TestToolsWithoutSystem(t *testing.T) {
	c, err := Compile("{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}", SpecialTokens{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Render(Input{Messages: calling()[1:], Tools: []Tool{addTool}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r.Text, "[user]You may call functions") || !strings.Contains(r.Text, "1+2?[assistant]Let me add.\n<tool_call>") {
		t.Errorf("have %q", r.Text)
	}
}

// A template that names SmolLM is spoken to as its model card says.
func TestSmolLM(t *testing.T) {
	c, err := Compile("{# SmolLM #}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}", SpecialTokens{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Render(Input{Messages: calling()[1:3], Tools: []Tool{addTool, addTool}})
	if err != nil {
		t.Fatal(err)
	}
	want := "<tools>[{\"type\": \"function\", \"function\": {\"name\": \"add\", "
	if c.Dialect().Name != "smollm2" || !strings.HasPrefix(r.Text, "<|im_start|>system\nYou are an expert") || !strings.Contains(r.Text, want) ||
		!strings.HasSuffix(r.Text, "Let me add.\n<tool_call>[{\"name\": \"add\", \"arguments\": {\"x\": 1}}, {\"name\": \"add\", \"arguments\": {}}]</tool_call><|im_end|>\n") {
		t.Errorf("have %q", r.Text)
	}
}

// Templates with tools of their own are left alone.
func TestToolsInTemplate(t *testing.T) {
	for name, dialect := range map[string]string{"hermes": "hermes", "headers": "llama3", "mistral": "mistral"} {
		c := family(t, name)
		if !c.SupportsTools() || c.Dialect().Name != dialect {
			t.Errorf("%s: supports tools: %v, dialect %s", name, c.SupportsTools(), c.Dialect().Name)
		}
	}
}

// Mistral's templates insist on ids of nine characters; other models make
// longer ones, and a conversation may change its model.
func TestShortIDs(t *testing.T) {
	messages := calling()[1:4]
	messages[1].ToolCalls = []ToolCall{{ID: "call_abcdefghijk", Name: "add", Arguments: "{}"}}
	messages[1].Content, messages[2].ToolCallID = nil, "call_abcdefghijk"
	r, err := family(t, "mistral").Render(Input{Messages: messages, Tools: []Tool{addTool}})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(r.Text, `"cdefghijk"`); n != 2 {
		t.Errorf("the shortened id is there %d times, want 2: %s", n, r.Text)
	}
	messages[1].ToolCalls[0].ID, messages[2].ToolCallID = "7", "7"
	if r, err = family(t, "mistral").Render(Input{Messages: messages}); err != nil || !strings.Contains(r.Text, `"000000007"`) {
		t.Errorf("have %q, %v", r.Text, err)
	}
	if r, err = family(t, "hermes").Render(Input{Messages: messages}); err != nil {
		t.Errorf("have %q, %v", r.Text, err)
	}
}

// TestConcurrent renders with one template from several goroutines.
func TestConcurrent(t *testing.T) {
	c := family(t, "hermes")
	in := Input{Messages: calling(), Tools: []Tool{addTool}, AddGenerationPrompt: true}
	want, err := c.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if got, err := c.Render(in); err != nil || got.Text != want.Text {
					t.Errorf("have %q, %v", got.Text, err)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkRender(b *testing.B) {
	src, err := os.ReadFile("jinja/testdata/templates/hermes.jinja")
	if err != nil {
		b.Fatal(err)
	}
	c, err := Compile(string(src), SpecialTokens{})
	if err != nil {
		b.Fatal(err)
	}
	in := Input{Tools: []Tool{addTool}, AddGenerationPrompt: true}
	for range 50 {
		in.Messages = append(in.Messages, Text("user", strings.Repeat("word ", 400)), Text("assistant", strings.Repeat("answer ", 300)))
	}
	for b.Loop() {
		r, err := c.Render(in)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(r.Text)))
	}
}

func TestShape(t *testing.T) {
	for _, d := range append([]*Dialect{smollm, generic}, dialects...) {
		tools := []Tool{{Name: "get_weather", Parameters: []byte(`{"type": "object"}`)}, {Name: "add"}}
		s, ok := d.Shape(tools, true)
		if !ok {
			if !d.syntax.tags {
				t.Errorf("%s has no shape", d.Name)
			}
			continue
		}
		// What the shape allows is read as these calls.
		text := s.Open + s.Calls[0].Begin + `{"city": "x"}` + s.Calls[0].End + s.Separator + s.Calls[1].Begin + "{}" + s.Calls[1].End + s.Close
		got := read(d, ParserOptions{Tools: testTools}, text)
		for i := range got.Calls {
			got.Calls[i].ID = ""
		}
		if diff := cmp.Diff(answer{Calls: []ToolCall{{Name: "get_weather", Arguments: `{"city": "x"}`}, {Name: "add", Arguments: "{}"}}}, got); diff != "" {
			t.Errorf("%s: %s\n%s", d.Name, text, diff)
		}
		if len(d.Triggers()) > 0 && !d.syntax.bare && !strings.HasPrefix(text, d.Triggers()[0]) {
			t.Errorf("%s: %q does not begin with its trigger %q", d.Name, text, d.Triggers()[0])
		}
		if string(s.Calls[1].Arguments) != noArguments {
			t.Errorf("%s: a tool without parameters may be given %s", d.Name, s.Calls[1].Arguments)
		}
	}
}

// TestMarkers: each control token of a dialect by itself.
func TestMarkers(t *testing.T) {
	for _, c := range []struct {
		d    *Dialect
		want []string
	}{
		{hermes, []string{"</tool_call>", "<tool_call>"}},
		{mistral, []string{"[ARGS]", "[CALL_ID]", "[TOOL_CALLS]"}},
		{deepseekPlain, []string{deepseekEnd, deepseekDone, deepseekSep, deepseekCalls, deepseekCall}},
		{llama, []string{"<|python_tag|>"}},
	} {
		if diff := cmp.Diff(c.want, c.d.Markers()); diff != "" {
			t.Errorf("%s: %s", c.d.Name, diff)
		}
	}
}
