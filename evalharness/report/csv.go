package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"graft/evalharness"
)

// CSV writes a row for each answer of each arm. Texts that a spreadsheet would take
// for a formula get a ' before them; the JSON has them as they are.
func CSV(w io.Writer, r *evalharness.Result) error {
	c := csv.NewWriter(w)
	head := []string{"case", "tags", "arm", "kind", "model", "generation", "question", "references", "output", "error", "prompt_tokens", "completion_tokens", "ms"}
	for _, m := range r.Settings.Metrics {
		head = append(head, cellText(m.Name))
	}
	if err := c.Write(head); err != nil {
		return err
	}
	cases := make(map[string]*evalharness.Case, len(r.Gold.Cases))
	for i := range r.Gold.Cases {
		cases[r.Gold.Cases[i].ID] = &r.Gold.Cases[i]
	}
	for i := range r.Arms {
		for j := range r.Arms[i].Answers {
			if err := c.Write(csvRow(r, &r.Arms[i], &r.Arms[i].Answers[j], cases)); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

func csvRow(r *evalharness.Result, a *evalharness.Arm, answer *evalharness.Answer, cases map[string]*evalharness.Case) []string {
	var tags, question, references string
	if of := cases[answer.Case]; of != nil {
		tags, references = strings.Join(of.Tags, " "), strings.Join(of.References, " / ")
		if n := len(of.Messages); n > 0 {
			question = of.Messages[n-1].Content
		}
	}
	row := []string{answer.Case, tags, a.Name, a.Kind, a.Model, a.Generation, question, references, answer.Output, answer.Error}
	for i := range row {
		row[i] = cellText(row[i])
	}
	row = append(row, strconv.Itoa(answer.Usage.PromptTokens), strconv.Itoa(answer.Usage.CompletionTokens), strconv.FormatFloat(answer.Usage.Ms, 'f', 1, 64))
	for _, m := range r.Settings.Metrics {
		text := ""
		if v, ok := answer.Scores[m.Name]; ok {
			text = strconv.FormatFloat(v, 'g', -1, 64)
		}
		row = append(row, text)
	}
	return row
}

// cellText keeps a text from being computed.
func cellText(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
