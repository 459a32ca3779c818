package dataset

import (
	"slices"
	"strings"

	"graft/internal/chat"
	"graft/internal/tokenizer"
)

// graft puts the last turn of a row, as the template writes it, behind the prompt that
// serving sends: for templates that show a conversation otherwise when it waits for an
// answer, as those that put the system message into the last question. ok is false if
// the head of the turn is not what the prompt ends with, nor opens a block of reasoning;
// err says why, where more is known than that the texts differ.
func (f *Format) graft(row *text, prompt text, messages []chat.Message, tools []chat.Tool) (ok bool, err error) {
	k := len(messages) - 1
	head := prompt.Text
	if n := len(prompt.Spans); n > 0 {
		head = head[prompt.Spans[n-1].End:]
	}
	first, _ := extent(row.Rendered, k)
	if first < 0 || head == "" {
		return false, nil
	}
	before := 0 // end of the text of earlier messages
	for _, s := range row.Spans {
		if s.End <= first && s.Message != k {
			before = s.End
		}
	}
	i := strings.LastIndex(row.Text[:first], head)
	if i < before {
		return f.reason(row, prompt, head, before, messages, tools)
	}
	f.behind(row, chat.Rendered{Text: prompt.Text, Spans: slices.Clone(prompt.Spans)}, i+len(head), k)
	return true, nil
}

// behind puts what a row has from byte at on, of message k, behind another text.
func (f *Format) behind(row *text, out chat.Rendered, at, k int) {
	n := len(out.Text)
	out.Text += row.Text[at:]
	for _, s := range row.Spans {
		if s.End > at {
			out.Spans = append(out.Spans, chat.Span{Start: max(s.Start-at, 0) + n, End: s.End - at + n, Message: s.Message})
		}
	}
	t := text{Rendered: out}
	t.ids, t.offsets = f.tok.EncodeOffsets(out.Text, options(out))
	*row = f.closed(t, k)
}

// sew tokenises what follows a prompt by itself, where an answer runs into its prompt,
// as a word that goes on: the tokens of the prompt are then those that serving sends,
// and those behind them what a model that was sent them can write. ok is false if these
// do not spell the text, as with tokenizers that put a space before each text.
func (f *Format) sew(row *text, prompt text) (ok bool) {
	at := len(prompt.Text)
	rest := row.Text[at:]
	o := tokenizer.EncodeOptions{ParseSpecial: true}
	for _, s := range row.Spans {
		if s.End > at {
			o.Literal = append(o.Literal, tokenizer.Span{Start: max(s.Start-at, 0), End: s.End - at})
		}
	}
	ids, offsets := f.tok.EncodeOffsets(rest, o)
	spelt := make([]byte, 0, len(rest))
	for _, id := range ids {
		if f.tok.IsControl(id) {
			spelt = append(spelt, f.tok.Text(id)...)
		} else {
			spelt = append(spelt, f.tok.Bytes(id)...)
		}
	}
	if string(spelt) != rest || len(ids) == 0 {
		return false
	}
	joined := text{Rendered: row.Rendered, ids: slices.Clone(prompt.ids), offsets: f.offsetsOf(prompt)}
	for i, id := range ids {
		joined.ids = append(joined.ids, id)
		joined.offsets = append(joined.offsets, [2]int{offsets[i][0] + at, offsets[i][1] + at})
	}
	if n := len(row.ids); n > 0 && row.offsets[n-1] == [2]int{len(row.Text), len(row.Text)} && f.ends[row.ids[n-1]] {
		joined.ids, joined.offsets = append(joined.ids, row.ids[n-1]), append(joined.offsets, row.offsets[n-1])
	}
	*row = joined
	return true
}

// offsetsOf are the bytes that each token of a prompt stands for, by what it spells;
// tokens that are not in its text, as BOS, have none.
func (f *Format) offsetsOf(prompt text) [][2]int {
	out, at := make([][2]int, len(prompt.ids)), 0
	for i, id := range prompt.ids {
		s := string(f.tok.Bytes(id))
		if f.tok.IsControl(id) {
			s = f.tok.Text(id)
		}
		if s != "" && strings.HasPrefix(prompt.Text[at:], s) {
			out[i] = [2]int{at, at + len(s)}
			at += len(s)
		} else {
			out[i] = [2]int{at, at}
		}
	}
	return out
}
