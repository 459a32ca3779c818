package dataset

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"

	"graft/internal/chat"
)

// stretch is tokens from start up to, not including, end.
type stretch struct{ start, end int }

// find is what the model would write for turn k: from where the served prompt ends,
// through the token that ends the turn. It comes from the one tokenisation of the row,
// by characters; tokens are never looked for by their ids before the turn's text. The
// last turn of a row is put behind its prompt where the template shows what is before
// it otherwise than in the prompt.
func (f *Format) find(row *text, k int, messages []chat.Message, tools []chat.Tool, o RenderOptions) (g stretch, err error) {
	field := fmt.Sprintf("messages[%d]", k)
	if k == 0 {
		return g, wrong(field, "nothing_before", "put a message before it, or give it a weight of 0", "is trained, but nothing comes before it")
	}
	prompt, err := f.prompt(messages[:k], tools)
	if err != nil {
		return g, refused(err)
	}
	if err := asServed(row.Rendered, prompt.Rendered, field); err != nil {
		if k < len(messages)-1 {
			return g, err
		}
		if ok, why := f.graft(row, prompt, messages, tools); !ok {
			return g, cmp.Or(why, err)
		}
	}
	if err := f.begins(*row, prompt.ids, field); err != nil {
		if k < len(messages)-1 || !f.sew(row, prompt) {
			return g, err
		}
	}
	first, last := extent(row.Rendered, k)
	if first < 0 {
		return g, wrong(field, "not_shown", "use a model whose template shows it, or give the message a weight of 0", "the chat template does not show the message")
	}
	open, close := f.template.For(len(tools) > 0).Dialect().ReasoningTags()
	if err := reasons(row.Rendered, k, messages[k], open, close); err != nil {
		return g, err
	}
	g.start = len(prompt.ids)
	if g.end = f.endOf(*row, k, g.start, last); g.end < 0 {
		return g, wrong(field, "no_end_of_turn", "give a template that ends the turns of the assistant", "the chat template writes no token that ends the turn: the model would not learn to stop")
	}
	if !o.EmptyThinking && messages[k].Reasoning == "" {
		block := f.emptyThinking(row.Text[len(prompt.Text):max(first, len(prompt.Text))], tools)
		for block > 0 && g.start < g.end && row.offsets[g.start][1] <= len(prompt.Text)+block {
			g.start++
		}
	}
	return g, nil
}

// extent is where the text of a message begins and ends; -1: it is not there.
func extent(r chat.Rendered, k int) (first, last int) {
	first = -1
	for _, s := range r.Spans {
		if s.Message == k {
			if first < 0 {
				first = s.Start
			}
			last = s.End
		}
	}
	return first, last
}

// reasons looks for reasoning that the template leaves out.
func reasons(r chat.Rendered, k int, m chat.Message, open, close string) error {
	want, inside := reasoningOf(m, open, close)
	field := fmt.Sprintf("messages[%d].reasoning_content", k)
	if inside {
		field = fmt.Sprintf("messages[%d].content", k)
	}
	if want == "" {
		return nil
	}
	for _, s := range r.Spans {
		if s.Message == k && strings.Contains(r.Text[s.Start:s.End], want) {
			return nil
		}
	}
	return wrong(field, "not_shown", "remove it, or use a model that reasons", "the chat template does not show the reasoning")
}

// endOf is behind the first token after byte last that ends a generation, before the
// text of any later message; -1: there is none.
func (f *Format) endOf(row text, k, start, last int) int {
	next := len(row.Text) + 1
	for _, s := range row.Spans {
		if s.Message > k {
			next = s.Start
			break
		}
	}
	for i := start; i < len(row.ids); i++ {
		if o := row.offsets[i]; o[0] >= last && o[0] < next && f.ends[row.ids[i]] {
			return i + 1
		}
	}
	return -1
}

// closed adds the end of the text behind a last turn that the template leaves open.
func (f *Format) closed(row text, k int) text {
	_, last := extent(row.Rendered, k)
	if f.endOf(row, k, 0, last) >= 0 || f.tok.EOS() < 0 {
		return row
	}
	row.ids = append(row.ids, f.tok.EOS())
	row.offsets = append(row.offsets, [2]int{len(row.Text), len(row.Text)})
	return row
}

// emptyThinking is the length of an empty block of reasoning, and the white space
// around it, that text begins with.
func (f *Format) emptyThinking(text string, tools []chat.Tool) int {
	open, close := f.template.For(len(tools) > 0).Dialect().ReasoningTags()
	if open == "" {
		return 0
	}
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(text, unicode.IsSpace), open)
	if !ok {
		return 0
	}
	if rest, ok = strings.CutPrefix(strings.TrimLeftFunc(rest, unicode.IsSpace), close); !ok {
		return 0
	}
	return len(text) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
}
