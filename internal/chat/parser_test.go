package chat

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testTools = []Tool{
	{Name: "get_weather", Parameters: json.RawMessage(`{"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "any": {"anyOf": [{"type": "string"}, {"type": "number"}]}}}`)},
	{Name: "add"},
}

// answer is everything that a parser made of a text.
type answer struct {
	Text, Reasoning string
	Calls           []ToolCall
}

// read parses text, cut before each of the positions.
func read(d *Dialect, o ParserOptions, text string, cuts ...int) answer {
	n := 0
	o.NewID = func() string { n++; return fmt.Sprint("id", n) }
	p := d.Parser(o)
	var a answer
	add := func(deltas []Delta) {
		for _, x := range deltas {
			a.Text += x.Text
			a.Reasoning += x.Reasoning
			if c := x.Call; c != nil {
				if c.Index == len(a.Calls) {
					a.Calls = append(a.Calls, ToolCall{ID: c.ID, Name: c.Name})
				} else if c.Name != "" || c.ID != "" {
					a.Calls = append(a.Calls, ToolCall{ID: "a second head for " + c.ID})
				}
				a.Calls[c.Index].Arguments += c.Arguments
			}
		}
	}
	at := 0
	for _, cut := range append(cuts, len(text)) {
		add(p.Push(text[at:cut]))
		at = cut
	}
	add(p.Close())
	return a
}

func weather(args string) []ToolCall {
	return []ToolCall{{ID: "id1", Name: "get_weather", Arguments: args}}
}

var parserCases = []struct {
	name    string
	dialect *Dialect
	text    string
	want    answer
}{
	{"text", hermes, " Hello <b>\n\n", answer{Text: " Hello <b>\n\n"}},
	{"hermes", hermes, "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"a } \\\" {\"}}\n</tool_call>",
		answer{Calls: weather(`{"city": "a } \" {"}`)}},
	{"hermes behind text", hermes, "Let me see.\n\n<tool_call>{\"name\": \"get_weather\", \"arguments\": {}}</tool_call>\nDone.",
		answer{Text: "Let me see.Done.", Calls: weather(`{}`)}},
	{"hermes twice", hermes, "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"arguments\": [1], \"name\": \"add\"}\n</tool_call>",
		answer{Calls: []ToolCall{{ID: "id1", Name: "get_weather", Arguments: "{}"}, {ID: "id2", Name: "add", Arguments: "[1]"}}}},
	{"hermes two in one", hermes, "<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n{\"name\": \"add\", \"arguments\": {\"x\": 1}}\n</tool_call>",
		answer{Calls: []ToolCall{{ID: "id1", Name: "add", Arguments: "{}"}, {ID: "id2", Name: "add", Arguments: `{"x": 1}`}}}},
	{"hermes broken", hermes, "I use <tool_call> for <tool_call>{\"nam\": 3, oops}</tool_call> it",
		answer{Text: "I use <tool_call> for <tool_call>{\"nam\": 3, oops}</tool_call> it"}},
	{"hermes broken then right", hermes, "<tool_call>x <tool_call>{\"name\": \"add\"}</tool_call>",
		answer{Text: "<tool_call>x", Calls: []ToolCall{{ID: "id1", Name: "add", Arguments: "{}"}}}},
	{"hermes cut off", hermes, "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Par",
		answer{Calls: weather(`{"city": "Par`)}},
	{"hermes cut off in the name", hermes, "<tool_call>{\"name\": \"get_", answer{Text: "<tool_call>{\"name\": \"get_"}},
	{"hermes cut off in the end", hermes, "<tool_call>{\"name\": \"get_weather\", \"arguments\": {}}\n</tool_", answer{Calls: weather(`{}`)}},
	{"arguments as text", hermes, `<tool_call>{"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"}</tool_call>`,
		answer{Calls: weather(`{"city": "Paris"}`)}},
	{"arguments null", hermes, `<tool_call>{"name": "get_weather", "arguments": null}</tool_call>`, answer{Calls: weather(`{}`)}},
	{"openai form", hermes, `<tool_call>{"type": "function", "function": {"name": "get_weather", "parameters": {"a": 1}}}</tool_call>`,
		answer{Calls: weather(`{"a": 1}`)}},
	{"smollm2", smollm, "<tool_call>[\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}},\n{\"name\": \"add\", \"arguments\": {}}\n]</tool_call>",
		answer{Calls: []ToolCall{{ID: "id1", Name: "get_weather", Arguments: `{"city": "Paris"}`}, {ID: "id2", Name: "add", Arguments: "{}"}}}},
	{"smollm2 none", smollm, "<tool_call>[]</tool_call>", answer{Text: "<tool_call>[]</tool_call>"}},
	{"llama", llama, `{"name": "get_weather", "parameters": {"city": "Paris"}}`, answer{Calls: weather(`{"city": "Paris"}`)}},
	{"llama tagged", llama, "<|python_tag|>{\"type\": \"function\", \"name\": \"get_weather\", \"parameters\": {}}", answer{Calls: weather(`{}`)}},
	{"llama twice", llama, `{"name": "add", "parameters": {}}; {"name": "get_weather", "parameters": {"days": 1}}`,
		answer{Calls: []ToolCall{{ID: "id1", Name: "add", Arguments: "{}"}, {ID: "id2", Name: "get_weather", Arguments: `{"days": 1}`}}}},
	{"llama unknown name", llama, `{"name": "Alice", "parameters": {}}`, answer{Text: `{"name": "Alice", "parameters": {}}`}},
	{"llama other JSON", llama, "{\"a\": [1, 2]}\n", answer{Text: "{\"a\": [1, 2]}\n"}},
	{"llama python", llama, "<|python_tag|>print(1)", answer{Text: "<|python_tag|>print(1)"}},
	{"llama text, then JSON", llama, `See {"name": "add", "parameters": {}}`, answer{Text: `See {"name": "add", "parameters": {}}`}},
	{"mistral", mistral, `[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "add", "arguments": {}}]`,
		answer{Calls: []ToolCall{{ID: "id1", Name: "get_weather", Arguments: `{"city": "Paris"}`}, {ID: "id2", Name: "add", Arguments: "{}"}}}},
	{"mistral named", mistralArgs, `Hm.[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]add[CALL_ID]abcdefghi[ARGS]{}`,
		answer{Text: "Hm.", Calls: []ToolCall{{ID: "id1", Name: "get_weather", Arguments: `{"city": "Paris"}`}, {ID: "abcdefghi", Name: "add", Arguments: "{}"}}}},
	{"mistral without mark", mistralArgs, `[TOOL_CALLS]get_weather{"city": "Paris"}`, answer{Calls: weather(`{"city": "Paris"}`)}},
	{"mistral broken", mistralArgs, `[TOOL_CALLS]get weather(1)[ARGS]`, answer{Text: `[TOOL_CALLS]get weather(1)[ARGS]`}},
	{"granite", granite, `<|tool_call|>[{"name": "get_weather", "arguments": {}}]`, answer{Calls: weather(`{}`)}},
	{"phi 4 mini", granite, `<|tool_call|>[{"name": "get_weather", "arguments": {}}]<|/tool_call|>`, answer{Calls: weather(`{}`)}},
	{"command r", commandR, `<|START_ACTION|>[
    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "x"}}
]<|END_ACTION|>`, answer{Calls: weather(`{"city": "x"}`)}},
	{"functionary", functionary, `<function=get_weather>{"city": "Paris"}</function>`, answer{Calls: weather(`{"city": "Paris"}`)}},
	{"deepseek", deepseek, "A<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"é\"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
		answer{Text: "A", Calls: []ToolCall{{ID: "id1", Name: "get_weather", Arguments: `{"city": "é"}`}, {ID: "id2", Name: "add", Arguments: "{}"}}}},
	{"deepseek 3.1", deepseekPlain, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"é\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
		answer{Calls: weather(`{"city": "é"}`)}},
	{"kimi", kimi, `<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "x"}<|tool_call_end|><|tool_calls_section_end|>`,
		answer{Calls: []ToolCall{{ID: "functions.get_weather:0", Name: "get_weather", Arguments: `{"city": "x"}`}}}},
	{"tags", qwenCoder, "Ok\n<tool_call>\n<function=get_weather>\n<parameter=city>\nSan \"Fran\"\n</parameter>\n<parameter=days>\n3\n</parameter>\n<parameter=any>\n4.5\n</parameter>\n</function>\n</tool_call>",
		answer{Text: "Ok", Calls: weather(`{"city": "San \"Fran\"", "days": 3, "any": 4.5}`)}},
	{"tags without arguments", qwenCoder, "<function=add>\n</function>", answer{Calls: []ToolCall{{ID: "id1", Name: "add", Arguments: "{}"}}}},
	{"tags cut off", qwenCoder, "<tool_call><function=get_weather><parameter=city>\nSan <b", answer{Calls: weather(`{"city": "San <b`)}},
	{"tags broken", qwenCoder, "<tool_call>\nfunction", answer{Text: "<tool_call>\nfunction"}},
	{"tags with something between", qwenCoder, "<function=add>\nx<parameter=a>", answer{Text: "x<parameter=a>", Calls: []ToolCall{{ID: "id1", Name: "add", Arguments: "{}"}}}},
}

func TestParser(t *testing.T) {
	for _, c := range parserCases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, read(c.dialect, ParserOptions{Tools: testTools}, c.text)); diff != "" {
				t.Error(diff)
			}
			if got := read(c.dialect, ParserOptions{}, c.text); got.Text != c.text {
				t.Errorf("without tools: have %+v, want the text as it is", got)
			}
		})
	}
}

func TestReasoning(t *testing.T) {
	d := *hermes
	d.think = thinking{"<think>", "</think>"}
	o := ParserOptions{Tools: testTools, Reasoning: true}
	inside := o
	inside.InReasoning = true
	for _, c := range []struct {
		name string
		o    ParserOptions
		text string
		want answer
	}{
		{"tags", o, "\n<think>\n so \n\n</think>\n\nYes. \n", answer{Text: "Yes. \n", Reasoning: "so"}},
		{"inside", inside, "so</think>Yes <think>", answer{Text: "Yes <think>", Reasoning: "so"}},
		{"not at the start", o, "A <think> b </think>", answer{Text: "A <think> b </think>"}},
		{"never ends", o, "<think>so </thi", answer{Reasoning: "so </thi"}},
		{"empty", o, "<think>\n\n</think>\n\nYes", answer{Text: "Yes"}},
		{"a call", o, "<think>I call <tool_call> now</think>\n<tool_call>{\"name\": \"add\", \"arguments\": {}}</tool_call>",
			answer{Reasoning: "I call <tool_call> now", Calls: []ToolCall{{ID: "id1", Name: "add", Arguments: "{}"}}}},
		{"bare JSON behind it", ParserOptions{Tools: testTools, Reasoning: true}, "<think>so</think>\n{\"name\": \"add\", \"arguments\": {}}",
			answer{Text: "{\"name\": \"add\", \"arguments\": {}}", Reasoning: "so"}},
		{"not asked for", ParserOptions{Tools: testTools}, "<think>so</think>Yes", answer{Text: "<think>so</think>Yes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, read(&d, c.o, c.text)); diff != "" {
				t.Error(diff)
			}
			everyCut(t, &d, c.o, c.text, c.want)
		})
	}
}

// everyCut checks that the result does not depend on how the text arrives.
func everyCut(t *testing.T, d *Dialect, o ParserOptions, text string, want answer) {
	t.Helper()
	for i := range text {
		if diff := cmp.Diff(want, read(d, o, text, i)); diff != "" {
			t.Fatalf("cut before %q: %s", text[i:], diff)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var cuts []int
		for i := range text {
			if r.IntN(3) == 0 {
				cuts = append(cuts, i)
			}
		}
		if diff := cmp.Diff(want, read(d, o, text, cuts...)); diff != "" {
			t.Fatalf("cut at %v: %s", cuts, diff)
		}
	}
}

// TestBareBehindReasoning: an answer that is an object may come after reasoning.
func TestBareBehindReasoning(t *testing.T) {
	d := *generic
	d.think = thinking{"<think>", "</think>"}
	want := answer{Reasoning: "so", Calls: []ToolCall{{ID: "id1", Name: "add", Arguments: `{}`}}}
	everyCut(t, &d, ParserOptions{Tools: testTools, Reasoning: true}, "<think>so</think>\n{\"name\": \"add\", \"arguments\": {}}", want)
}

func TestParserChunks(t *testing.T) {
	for _, c := range parserCases {
		everyCut(t, c.dialect, ParserOptions{Tools: testTools}, c.text, c.want)
	}
}

// TestArgumentsStream checks that arguments are not held back.
func TestArgumentsStream(t *testing.T) {
	p := hermes.Parser(ParserOptions{Tools: testTools, NewID: func() string { return "id" }})
	var got []string
	for _, s := range []string{"<tool_", "call>\n{\"name\": \"a", "dd\", \"arguments\"", ": {\"x\": \"ab", "cd\"", "}", "}\n"} {
		line := ""
		for _, x := range p.Push(s) {
			line += fmt.Sprintf("%d %s %s %s|", x.Call.Index, x.Call.ID, x.Call.Name, x.Call.Arguments)
		}
		got = append(got, line)
	}
	want := []string{"", "", "0 id add |", `0   {"x": "ab|`, `0   cd"|`, "0   }|", ""}
	if !slices.Equal(got, want) {
		t.Errorf("have %q\nwant %q", got, want)
	}
}

// FuzzParser: no input makes a parser panic, depend on the cuts, or lose text.
func FuzzParser(f *testing.F) {
	all := append(slices.Clone(dialects), smollm, generic)
	for _, c := range parserCases {
		f.Add(uint8(slices.Index(all, c.dialect)), c.text, uint16(len(c.text)/2), false)
		f.Add(uint8(slices.Index(all, c.dialect)), c.text[:len(c.text)*2/3], uint16(3), true)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string, cut uint16, reasoning bool) {
		if len(text) > 4<<10 {
			return
		}
		d := *all[int(which)%len(all)]
		d.think = thinking{"<think>", "</think>"}
		o := ParserOptions{Tools: testTools, Reasoning: reasoning}
		whole := read(&d, o, text)
		at := min(int(cut), len(text))
		if diff := cmp.Diff(whole, read(&d, o, text, at)); diff != "" {
			t.Fatalf("cut at %d: %s", at, diff)
		}
		if !subsequence(whole.Text, text) || !subsequence(whole.Reasoning, text) {
			t.Fatalf("text is not from the input: %q", whole)
		}
		if len(whole.Calls) == 0 && whole.Reasoning == "" && !reasoning && whole.Text != text {
			t.Fatalf("have %q, want the text as it is", whole.Text)
		}
	})
}

// subsequence tells whether s is text with parts left out.
func subsequence(s, text string) bool {
	for i := 0; len(s) > 0; i++ {
		if i == len(text) {
			return false
		}
		if text[i] == s[0] {
			s = s[1:]
		}
	}
	return true
}
