package native

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/internal/chat"
	"graft/serving"
)

// pieces decodes token i as the i-th text; a text may end inside a rune.
type pieces struct {
	text []string
	held string
}

func (p *pieces) Push(id int32) string {
	p.held += p.text[id]
	n := len(p.held)
	for n > 0 && n > len(p.held)-3 && p.held[n-1]&0x80 != 0 { // good enough for runes of two bytes
		if p.held[n-1]&0xc0 == 0xc0 {
			out := p.held[:n-1]
			p.held = p.held[n-1:]
			return out
		}
		n--
	}
	out := p.held
	p.held = ""
	return out
}

func (p *pieces) Flush() string {
	out := strings.ToValidUTF8(p.held, "\ufffd")
	p.held = ""
	return out
}

// play pushes all tokens; the answer is cut after the last.
func play(s *stream, text ...string) (events []serving.Event) {
	s.decoder = &pieces{text: text}
	s.bytes = func(id int32) []byte { return []byte(text[id]) }
	for i := range text {
		e := s.push(serving.TokenLogprob{ID: int32(i), Logprob: -float64(i)}, i == len(text)-1, false)
		if !empty(&e) {
			events = append(events, e)
		}
		if e.Finish != "" {
			break
		}
	}
	return events
}

// drawn shows events: text, reasoning and calls, the ids of the tokens, the end.
func drawn(events []serving.Event) []string {
	var out []string
	for _, e := range events {
		var b strings.Builder
		b.WriteString(e.Text)
		if e.Reasoning != "" {
			b.WriteString("{" + e.Reasoning + "}")
		}
		for _, c := range e.ToolCalls {
			b.WriteString("<" + c.Name + ":" + c.Arguments + ">")
		}
		b.WriteString("[")
		for _, t := range e.Tokens {
			b.WriteByte('0' + byte(t.ID))
		}
		b.WriteString("]" + string(e.Finish))
		out = append(out, b.String())
	}
	return out
}

func TestStream(t *testing.T) {
	for _, c := range []struct {
		name string
		s    stream
		text []string
		want []string
	}{
		{"plain", stream{}, []string{"ab", "c"}, []string{"ab[0]", "c[1]length"}},
		{"a rune over two tokens", stream{}, []string{"a\xc3", "\xa9b", "c"}, []string{"a[0]", "éb[1]", "c[2]length"}},
		{"half a rune at the end", stream{}, []string{"a", "\xc3"}, []string{"a[0]", "\ufffd[1]length"}},
		{"end of generation", stream{ends: []int32{1}}, []string{"a", "</s>", "b"}, []string{"a[0]", "[]stop"}},
		{"stop string in a token", stream{stops: stopFinder{stops: []string{"lo"}}}, []string{"hel", "lo wor", "ld"}, []string{"he[]", "l[0]stop"}},
		{"stop string over tokens", stream{stops: stopFinder{stops: []string{"llo"}}}, []string{"hel", "lo wor", "ld"}, []string{"he[]", "[0]stop"}},
		{"stop string inside a token", stream{stops: stopFinder{stops: []string{" w"}}}, []string{"hel", "lo wor"}, []string{"hel[0]", "lo[1]stop"}},
		{"held back for nothing", stream{stops: stopFinder{stops: []string{"lox"}}}, []string{"hel", "lo", "y"}, []string{"he[]", "l[0]", "loy[12]length"}},
		{"held back to the end", stream{stops: stopFinder{stops: []string{"abc"}}}, []string{"a", "b"}, []string{"ab[01]length"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, drawn(play(&c.s, c.text...))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// With a parser, reasoning and calls are taken out of the text, whatever the tokens.
func TestStreamParser(t *testing.T) {
	dialect, ok := chat.DialectNamed("hermes")
	if !ok {
		t.Fatal("no such dialect")
	}
	tools := []chat.Tool{{Name: "f"}}
	parser := func() *chat.Parser {
		return dialect.Parser(chat.ParserOptions{Tools: tools, NewID: func() string { return "id" }})
	}
	whole := "hi <tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>"
	for _, n := range []int{1, 2, 5, 100} {
		var tokens []string
		for rest := whole; rest != ""; rest = rest[min(n, len(rest)):] {
			tokens = append(tokens, rest[:min(n, len(rest))])
		}
		for _, one := range []bool{false, true} {
			s := stream{parser: parser(), oneCall: one, ends: []int32{int32(len(tokens))}}
			events := play(&s, append(tokens, "</s>")...)
			text, calls := "", map[int]string{}
			for _, e := range events {
				text += e.Text
				for _, d := range e.ToolCalls {
					calls[d.Index] += d.Name + d.Arguments
				}
			}
			want := map[int]string{0: `f{"a": 1}`, 1: `f{}`}
			if one {
				delete(want, 1)
			}
			if diff := cmp.Diff(want, calls); diff != "" || strings.TrimSpace(text) != "hi" || events[len(events)-1].Finish != serving.FinishToolCalls {
				t.Errorf("tokens of %d, one call %v: text %q, finish %s, calls %s", n, one, text, events[len(events)-1].Finish, diff)
			}
			if one && s.generated > len(tokens) {
				t.Errorf("it went on after the first call")
			}
		}
	}
}

// Control tokens that mean something to the parser reach it as their text.
func TestStreamMarkers(t *testing.T) {
	dialect, _ := chat.DialectNamed("hermes")
	s := stream{
		parser:  dialect.Parser(chat.ParserOptions{Tools: []chat.Tool{{Name: "f"}}}),
		markers: map[int32]string{1: "<tool_call>", 3: "</tool_call>"},
	}
	events := play(&s, "a", "", `{"name": "f", "arguments": {}}`, "", "")
	name := ""
	for _, e := range events {
		for _, d := range e.ToolCalls {
			name += d.Name
		}
	}
	if name != "f" {
		t.Errorf("events %q", drawn(events))
	}
}
