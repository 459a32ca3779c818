package lint

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"graft/training/dataset"
)

var (
	markdown = pattern("(?m)^#{1,6} |^[-*] .*\n[-*] |\\*\\*[^*\n]+\\*\\*|^```|^\\|.*\\|$")
	fenced   = pattern("(?s)^```")
)

// shape is what kind of text an answer is.
func shape(s string) string {
	switch {
	case json.Valid([]byte(s)) && strings.ContainsAny(s[:1], "{["):
		return "JSON"
	case fenced().MatchString(s):
		return "fenced code"
	case markdown().MatchString(s):
		return "Markdown"
	}
	return "plain text"
}

// casing is how an answer begins.
func casing(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	letters := strings.ContainsFunc(s, unicode.IsLetter)
	switch {
	case letters && utf8.RuneCountInString(s) > 1 && s == strings.ToUpper(s) && s != strings.ToLower(s):
		return "all in capitals"
	case unicode.IsUpper(first):
		return "a capital first"
	case unicode.IsLower(first):
		return "a small letter first"
	}
	return ""
}

// ending is how an answer ends.
func ending(s string) string {
	last, _ := utf8.DecodeLastRuneInString(s)
	switch {
	case strings.ContainsRune(".!?…。！？", last):
		return "punctuation at the end"
	case unicode.IsLetter(last) || unicode.IsNumber(last):
		return "no punctuation at the end"
	}
	return ""
}

// edge is white space around an answer.
func edge(s string) string {
	if s != strings.TrimSpace(s) {
		return "white space around it"
	}
	return "no white space around it"
}

// Parts of rows from which on a habit is one, and up to which the rest are strays.
const (
	habit    = 0.7
	fewRows  = 10
	straying = 0.3
)

// formats looks for answers whose form differs from what most have.
func formats(_ context.Context, in *Input) ([]Finding, error) {
	var out []Finding
	for _, c := range []struct {
		what string
		of   func(string) string
		trim bool
		end  bool    // the evidence is how an answer ends, not how it begins
		most float64 // a share of strays above this is a mixture on purpose
	}{{"form", shape, true, false, 1}, {"casing", casing, true, false, straying}, {"ending", ending, true, true, straying}, {"edges", edge, false, false, straying}} {
		count, by := map[string]int{}, map[string][]int{}
		sample := map[string]string{}
		total := 0
		for i := range in.Set.Rows {
			r := &in.Set.Rows[i]
			s := r.Answer()
			if c.trim {
				s = strings.TrimSpace(s)
			}
			if strings.TrimSpace(s) == "" || calls(r) {
				continue
			}
			if k := c.of(s); k != "" {
				count[k]++
				by[k] = append(by[k], r.Line)
				if sample[k] == "" {
					at := 0
					if c.end {
						at = len(s)
					}
					sample[k] = fmt.Sprintf("line %d: %q", r.Line, excerpt(s, at))
				}
				total++
			}
		}
		usual := ""
		for k, n := range count {
			if n > count[usual] || n == count[usual] && k < usual {
				usual = k
			}
		}
		if total < fewRows || float64(count[usual]) < habit*float64(total) && c.most < 1 {
			continue
		}
		for _, k := range sorted(count) {
			if k == usual || float64(count[k]) > c.most*float64(total) {
				continue
			}
			f := lines("mixed_format", by[k])
			f.Message = fmt.Sprintf("%d of %d answers have another %s than most: %s, not %s", count[k], total, c.what, k, usual)
			f.Evidence, f.Fix = sample[k], "give all answers one form, or say in the prompts which is wanted"
			out = append(out, f)
		}
	}
	return out, nil
}

// calls tells whether a row ends with tool calls: those have a form of their own.
func calls(r *dataset.Row) bool {
	n := len(r.Messages)
	return r.Kind == dataset.Chat && n > 0 && len(r.Messages[n-1].ToolCalls) > 0
}
