package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"graft/evalharness"
)

// caseView is a case with the answers of all arms.
type caseView struct {
	ID, Question, Mark, Class, Scores string
	Tags, References                  []string
	Messages                          []evalharness.Message
	Answers                           []answerView
}

type answerView struct {
	Arm, Score, Output, Raw, Error, Meta string
	Asked                                []evalharness.Message
}

// addCases pairs the answers up. A case is lost or won by what the primary comparison
// says of it; without scores by case it is neither.
func (v *view) addCases() {
	r := v.R
	order := make([]*evalharness.Arm, 0, len(r.Arms))
	var a, b string
	if len(r.Comparisons) > 0 {
		main := &r.Comparisons[max(primary(r), 0)] // the first one where none was registered
		a, b = main.A, main.B
		for _, name := range []string{a, b} {
			if found := armNamed(r, name); found != nil {
				order = append(order, found)
			}
		}
	}
	for i := range r.Arms {
		if name := r.Arms[i].Name; name != a && name != b {
			order = append(order, &r.Arms[i])
		}
	}
	answers := make([]map[string]*evalharness.Answer, len(order))
	for i := range order {
		answers[i] = byCase(order[i])
	}
	for _, c := range r.Gold.Cases {
		one := caseView{ID: c.ID, Tags: c.Tags, References: c.References, Messages: c.Messages, Mark: "·"}
		for i := len(c.Messages) - 1; i >= 0 && one.Question == ""; i-- {
			if c.Messages[i].Role == "user" {
				one.Question = clip(strings.Join(strings.Fields(c.Messages[i].Content), " "), 160)
			}
		}
		if n := len(c.Messages); n > 0 && one.Question == "" {
			one.Question = clip(strings.Join(strings.Fields(c.Messages[n-1].Content), " "), 160)
		}
		var scores []float64
		for i, arm := range order {
			got := answers[i][c.ID]
			if got == nil {
				continue
			}
			score, ok := got.Scores[r.Settings.Primary]
			if ok && len(scores) == i {
				scores = append(scores, score)
			}
			one.Answers = append(one.Answers, v.answer(arm.Name, got, score, ok))
		}
		if a != "" && len(scores) >= 2 {
			one.Scores = v.unit.one(scores[0]) + " : " + v.unit.one(scores[1])
			switch {
			case scores[0] > scores[1]:
				one.Mark, one.Class = "+", "good"
				v.Won++
			case scores[0] < scores[1]:
				one.Mark, one.Class = "−", "bad"
				v.Lost++
			}
		}
		v.Cases = append(v.Cases, one)
	}
}

func (v *view) answer(arm string, a *evalharness.Answer, score float64, ok bool) answerView {
	out := answerView{Arm: arm, Output: a.Output, Error: a.Error, Asked: a.Asked}
	if ok {
		out.Score = v.unit.one(score)
	}
	if a.Raw != a.Output {
		out.Raw = a.Raw
	}
	meta := []string{fmt.Sprintf("%d + %d tokens", a.Usage.PromptTokens, a.Usage.CompletionTokens), millis(a.Usage.Ms)}
	if a.Finish != "" && a.Finish != "stop" {
		meta = append(meta, "ended by "+a.Finish)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Scores)) {
		if name != v.R.Settings.Primary {
			meta = append(meta, fmt.Sprintf("%s %.3g", name, a.Scores[name]))
		}
	}
	if a.Cached {
		meta = append(meta, "from the journal")
	}
	out.Meta = strings.Join(meta, ", ")
	return out
}

// confusion is a table of what was answered.
type confusion struct {
	Arm     string
	Columns []string
	Rows    []confusionRow
}

type confusionRow struct {
	Label string
	Cells []confusionCell
}

type confusionCell struct {
	Count int
	Class string
}

func newConfusion(a *evalharness.Arm) confusion {
	c := confusion{Arm: a.Name, Columns: append(append([]string{}, a.Confusion.Labels...), "none")}
	for i, counts := range a.Confusion.Counts {
		row, total := confusionRow{}, 0
		if i < len(a.Confusion.Labels) {
			row.Label = a.Confusion.Labels[i]
		}
		for _, n := range counts {
			total += n
		}
		for j, n := range counts {
			cell := confusionCell{Count: n, Class: "zero-cell"}
			if n > 0 {
				cell.Class = "c" + fmt.Sprint(min(3, 1+3*n/(total+1)))
			}
			if i == j {
				cell.Class += " hit"
			}
			row.Cells = append(row.Cells, cell)
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}
