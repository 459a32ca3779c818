package dataset

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"graft/internal/chat"
	"graft/internal/tokenizer"
)

// begins proves that a row begins with the tokens that serving would send.
func (f *Format) begins(row text, prompt []int32, field string) error {
	n := 0
	for n < len(prompt) && n < len(row.ids) && prompt[n] == row.ids[n] {
		n++
	}
	switch {
	case n == len(prompt) && n < len(row.ids):
		return nil
	case n == len(prompt):
		return wrong(field, "nothing_trained", "write what is to be learnt", "nothing follows the prompt")
	}
	at := len(row.Text)
	if n < len(row.offsets) {
		at = row.offsets[n][0]
	}
	return wrong(field, "not_as_served", "remove the white space where the answer begins, or where the prompt ends",
		"token %d of the row differs from what is served: the row has %s, serving sends %s, at %q",
		n, f.show(row.ids, n), f.show(prompt, n), around(row.Text, at))
}

// asServed proves that the text of a row begins with that of a prompt.
func asServed(row, prompt chat.Rendered, field string) error {
	if strings.HasPrefix(row.Text, prompt.Text) {
		return nil
	}
	n := 0
	for n < len(row.Text) && n < len(prompt.Text) && row.Text[n] == prompt.Text[n] {
		n++
	}
	return wrong(field, "not_as_served", "set the variables of the template, or give one that writes what came before an answer as it writes a prompt",
		"the chat template writes the row otherwise than what is served, from byte %d on: the row has %q, serving sends %q",
		n, around(row.Text, n), around(prompt.Text, n))
}

// show is token n and its text.
func (f *Format) show(ids []int32, n int) string {
	if n >= len(ids) {
		return "no token"
	}
	return fmt.Sprintf("%d %q", ids[n], f.tok.Bytes(ids[n]))
}

// around is the text about a byte.
func around(s string, at int) string {
	start, end := max(at-20, 0), min(at+20, len(s))
	for start > 0 && !utf8.RuneStart(s[start]) {
		start--
	}
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	return s[start:end]
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
