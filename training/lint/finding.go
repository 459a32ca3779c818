package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"graft/internal/chat"
	"graft/training/dataset"
)

// Severity of a finding.
type Severity string

// Severities.
const (
	Error   Severity = "error"   // the training does not start
	Warning Severity = "warning" // somebody should look
)

// Finding is what a check has to say.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	File     string   `json:"file,omitempty"`
	Lines    []int    `json:"lines,omitempty"` // the first ones
	Count    int      `json:"count"`           // of lines, or 1 for the file as a whole
	Field    string   `json:"field,omitempty"`
	Message  string   `json:"message"`
	Evidence string   `json:"evidence,omitempty"` // a part of a row
	Fix      string   `json:"fix"`
}

// keptLines is how many lines a finding names.
const keptLines = 20

// lines makes a finding of lines.
func lines(check string, list []int) Finding {
	slices.Sort(list)
	list = slices.Compact(list)
	return Finding{Check: check, Severity: Warning, Count: len(list), Lines: list[:min(len(list), keptLines)]}
}

// Report is what all checks found.
type Report struct {
	File     string    `json:"file"`
	Kind     string    `json:"kind"`
	Rows     int       `json:"rows"`
	Examples int       `json:"examples"`
	Tokens   int       `json:"tokens"`
	Trained  int       `json:"trained_tokens"`
	Longest  int       `json:"longest_example"` // tokens
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	Findings []Finding `json:"findings"`
	// Difficulty is how hard the rows are for the base; nil: it did not read them.
	Difficulty *Spread `json:"difficulty,omitempty"`
}

// Spread is the base's loss of examples, in nats a token.
type Spread struct {
	Examples     int     `json:"examples"` // that were read, evenly spread over the file
	Least        float64 `json:"least"`
	Quarter      float64 `json:"quarter"` // of them are below
	Half         float64 `json:"half"`
	ThreeQuarter float64 `json:"three_quarters"`
	Most         float64 `json:"most"`
}

func (s *Spread) String() string {
	return fmt.Sprintf("nats a token: least %.2f, a quarter below %.2f, half below %.2f, three quarters below %.2f, most %.2f",
		s.Least, s.Quarter, s.Half, s.ThreeQuarter, s.Most)
}

// excerpt is about a byte of a text, on one line.
func excerpt(s string, at int) string {
	start, end := max(at-30, 0), min(at+60, len(s))
	for start > 0 && !utf8.RuneStart(s[start]) {
		start--
	}
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	out := strings.Join(strings.Fields(s[start:end]), " ")
	if start > 0 {
		out = "…" + out
	}
	if end < len(s) {
		out += "…"
	}
	return out
}

// field is a text of a row, and what it is called.
type field struct {
	name  string
	text  string
	model bool // written by the model
}

// fields are the texts of a row.
func fields(r *dataset.Row) []field {
	if r.Kind == dataset.Completion {
		return []field{{"prompt", r.Prompt, false}, {"completion", r.Completion, true}}
	}
	var out []field
	for _, list := range []struct {
		name string
		rows []chat.Message
	}{{"messages", r.Messages}, {"preferred_output", r.Preferred}, {"non_preferred_output", r.Rejected}} {
		name := list.name
		if r.Kind == dataset.Preference && name == "messages" {
			name = "input.messages"
		}
		for i, m := range list.rows {
			out = append(out, field{fmt.Sprintf("%s[%d].content", name, i), dataset.Text(m), m.Role == "assistant"})
		}
	}
	return out
}
