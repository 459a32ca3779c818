package lint

import (
	"context"
	"fmt"

	"graft/training/dataset"
)

// contradictions looks for a prompt with different answers, and for preference rows
// that prefer the same to itself.
func contradictions(_ context.Context, in *Input) ([]Finding, error) {
	type seen struct {
		line   int
		answer string
		told   bool
	}
	first := map[string]*seen{}
	var list, same []int
	text := ""
	for i := range in.Set.Rows {
		r := &in.Set.Rows[i]
		if r.Kind == dataset.Preference {
			if len(r.Preferred) == 1 && len(r.Rejected) == 1 && dataset.Text(r.Preferred[0]) == dataset.Text(r.Rejected[0]) {
				same = append(same, r.Line)
			}
			continue
		}
		key := said(r.Question())
		answer := said(r.Answer())
		before := first[key]
		switch {
		case key == "": // there is no prompt to have in common
		case before == nil:
			first[key] = &seen{r.Line, answer, false}
		case before.answer != answer:
			if !before.told {
				list, before.told = append(list, before.line), true
			}
			if list = append(list, r.Line); text == "" {
				text = fmt.Sprintf("lines %d and %d: %s → %q, %q", before.line, r.Line, excerpt(r.Asked(), 0), excerpt(before.answer, 0), excerpt(answer, 0))
			}
		}
	}
	var out []Finding
	if len(list) > 0 {
		f := lines("contradiction", list)
		f.Message, f.Evidence, f.Fix = have(f.Count)+" a prompt in common with others, and another answer", text, "decide for one answer, or add to the prompts what makes the difference"
		out = append(out, f)
	}
	if len(same) > 0 {
		f := lines("contradiction", same)
		f.Severity, f.Message, f.Fix = Error, have(f.Count)+" two equal answers: neither can be preferred", "remove them"
		out = append(out, f)
	}
	return out, nil
}
