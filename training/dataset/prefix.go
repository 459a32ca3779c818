package dataset

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"graft/internal/chat"
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
