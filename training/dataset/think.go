package dataset

import (
	"fmt"
	"strings"
	"unicode"

	"graft/internal/chat"
)

// opening is how the head of a turn that prompts end with begins the reasoning.
type opening struct {
	before string // of the head, up to the tag
	broken bool   // a line ends behind the tag
	closed bool   // the block is closed as well, empty
}

// opens finds the block of reasoning that a head ends with. ok is false if there is none.
func opens(head, open, close string) (o opening, ok bool) {
	i := strings.LastIndex(head, open)
	if open == "" || i < 0 {
		return o, false
	}
	rest := head[i+len(open):]
	o = opening{before: head[:i], broken: strings.HasPrefix(rest, "\n")}
	if at := strings.Index(rest, close); at >= 0 {
		o.closed, rest = true, rest[:at]+rest[at+len(close):]
	}
	return o, strings.TrimSpace(rest) == ""
}

// answered is what stands between the head of a turn and its answer in a row that shows
// no reasoning: nothing, or an empty block or the end of one.
type answered struct {
	closes bool
	space  string // behind the end
}

// answersAfter reads that. ok is false if anything else stands there.
func answersAfter(text, open, close string) (a answered, ok bool) {
	rest := strings.TrimPrefix(strings.TrimLeftFunc(text, unicode.IsSpace), open)
	after, closes := strings.CutPrefix(strings.TrimLeftFunc(rest, unicode.IsSpace), close)
	if !closes {
		return a, strings.TrimSpace(text) == ""
	}
	return answered{true, after}, strings.TrimSpace(after) == ""
}

// reason puts the last turn of a row behind a prompt that opens the reasoning, for
// templates that show past answers without one, as those of DeepSeek R1 and QwQ do. A
// model that is served so writes its reasoning, closes it and answers: so does the row.
// Without reasoning it closes the block at once, which is then trained: left open, the
// answer would be taken for reasoning. ok is false if the template does otherwise; err is
// of reasoning that cannot be put there.
func (f *Format) reason(row *text, prompt text, head string, before int, messages []chat.Message, tools []chat.Tool) (ok bool, err error) {
	k := len(messages) - 1
	open, close := f.template.For(len(tools) > 0).Dialect().ReasoningTags()
	o, ok := opens(head, open, close)
	if !ok || o.before == "" {
		return false, nil
	}
	at, _ := extent(row.Rendered, k)
	i := strings.LastIndex(row.Text[:at], o.before)
	if i < before {
		return false, nil
	}
	a, ok := answersAfter(row.Text[i+len(o.before):at], open, close)
	reasoning, inside := reasoningOf(messages[k], open, close)
	answer := strings.TrimLeftFunc(row.Text[at:], unicode.IsSpace)
	field := fmt.Sprintf("messages[%d]", k)
	switch {
	case o.closed && reasoning != "":
		return false, wrong(field, "not_as_served", "remove the reasoning, or give a template that leaves it to the model",
			"has reasoning, but the chat template closes the block of reasoning before the answer begins: it is never asked for")
	case inside && strings.HasPrefix(answer, open):
		return false, wrong(field+".content", "not_as_served", "put the reasoning into reasoning_content", "begins with a block of reasoning, which the chat template shows as ordinary text")
	case !ok:
		return false, nil
	case inside: // the template has cut it off
		at = len(row.Text) - len(answer)
	}
	out := chat.Rendered{Text: prompt.Text}
	out.Spans = append(out.Spans, prompt.Spans...)
	if reasoning != "" {
		out.Spans = append(out.Spans, chat.Span{Start: len(out.Text), End: len(out.Text) + len(reasoning), Message: k})
		out.Text += reasoning
	}
	if !o.closed {
		if o.broken && (reasoning != "" || !a.closes) {
			out.Text += "\n"
		}
		out.Text += close
		if !a.closes {
			a.space = "\n\n"
		}
	}
	out.Text += a.space
	f.behind(row, out, at, k)
	return true, nil
}

// reasoningOf is the reasoning of an answer: its own field, or a block inside the content,
// at its beginning, which such templates leave out.
func reasoningOf(m chat.Message, open, close string) (reasoning string, inside bool) {
	if s := strings.TrimSpace(m.Reasoning); s != "" {
		return s, false
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(Text(chat.Message{Content: m.Content})), open)
	if !ok || open == "" {
		return "", false
	}
	text, _, ok := strings.Cut(rest, close)
	return strings.TrimSpace(text), ok
}
