package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// printDiff shows the answers side by side.
func (e *env) printDiff(r diffReport) error {
	width, ok := terminal(e.out)
	if !ok {
		width = 100
	}
	column := max((width-3)/2, 20)
	for _, p := range r.Prompts {
		fmt.Fprintf(e.out, "%s\n", e.paint(e.out, "1", oneLine(p.Prompt)))
		if p.Differ < 0 {
			fmt.Fprintf(e.out, "  the same: %s\n\n", oneLine(p.Adapter))
			continue
		}
		left := append(wrap(r.Adapter, column), wrap(marked(p.Adapter, p.Differ), column)...)
		right := append(wrap(r.Against, column), wrap(marked(p.Against, p.Differ), column)...)
		for i := range max(len(left), len(right)) {
			l, rr := "", ""
			if i < len(left) {
				l = left[i]
			}
			if i < len(right) {
				rr = right[i]
			}
			fmt.Fprintf(e.out, "%s%s │ %s\n", l, strings.Repeat(" ", max(column-utf8.RuneCountInString(l), 0)), rr)
		}
		fmt.Fprintf(e.out, "KL %.3g, top-1 %s of %d tokens\n\n", p.KL, percent(p.Top1), p.Tokens)
	}
	_, err := fmt.Fprintf(e.out, "%d of %d answers are the same; KL from %s at least %.3g nats a token, the same likeliest token at %s of %d places\n",
		r.Same, len(r.Prompts), r.Against, r.KL, percent(r.Top1), r.Tokens)
	return err
}

// marked shows where an answer leaves the common beginning.
func marked(text string, at int) string { return oneLine(text[:at]) + "▶" + oneLine(text[at:]) }

// oneLine writes line ends as ⏎.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "⏎") }

// wrap cuts a text into lines of at most width runes, at spaces where there are any.
func wrap(text string, width int) []string {
	var lines []string
	for runes := []rune(text); len(runes) > 0; {
		n := min(width, len(runes))
		if n < len(runes) {
			for i := n; i > width/2; i-- {
				if runes[i-1] == ' ' {
					n = i
					break
				}
			}
		}
		lines = append(lines, strings.TrimRight(string(runes[:n]), " "))
		runes = runes[n:]
	}
	return lines
}
