package lint

import (
	"context"
	"fmt"

	"graft/training/dataset"
)

// duplicates looks for rows that are there twice, and for rows that nearly are.
func duplicates(ctx context.Context, in *Input) ([]Finding, error) {
	list := in.Set.Rows
	first := map[string]int{}
	texts := make([]string, len(list))
	var exact, near []int
	var exactText, nearText string
	copies := make([]bool, len(list))
	for i := range list {
		r := &list[i]
		whole := r.Question() + "\x00" + answers(r)
		if j, ok := first[whole]; ok {
			copies[i] = true
			if exact = append(exact, r.Line); exactText == "" {
				exactText = fmt.Sprintf("line %d as line %d: %s", r.Line, list[j].Line, excerpt(r.Asked()+" → "+r.Answer(), 0))
			}
		} else {
			first[whole] = i
		}
		texts[i] = r.Asked() + "\n" + answers(r)
	}
	groups, err := dataset.GroupsContext(ctx, texts)
	if err != nil {
		return nil, err
	}
	for i, g := range groups {
		if g != i && !copies[i] {
			if near = append(near, list[i].Line); nearText == "" {
				nearText = fmt.Sprintf("line %d nearly as line %d: %s", list[i].Line, list[g].Line, excerpt(list[i].Asked()+" → "+list[i].Answer(), 0))
			}
		}
	}
	var out []Finding
	if len(exact) > 0 {
		f := lines("duplicate", exact)
		f.Message, f.Evidence, f.Fix = rows(f.Count)+" exactly as another before", exactText, "keep one of each: copies count twice in training and leak into validation"
		out = append(out, f)
	}
	if len(near) > 0 {
		f := lines("near_duplicate", near)
		f.Message, f.Evidence, f.Fix = rows(f.Count)+" nearly as another before", nearText, "keep one of each, unless the difference is what is to be learnt"
		out = append(out, f)
	}
	return out, nil
}

// answers are both of a preference row.
func answers(r *dataset.Row) string {
	if r.Kind != dataset.Preference {
		return r.Answer()
	}
	out := r.Answer()
	for _, m := range r.Rejected {
		out += "\x00" + dataset.Text(m)
	}
	return out
}
