package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"graft/training/dataset"
)

const (
	fewOfLabel  = 5  // rows of a label
	imbalance   = 10 // times as many rows of the commonest label as of the rarest
	longOutlier = 10 // times the usual length of answers
)

// labels looks for labels with few rows, and for those that differ in writing alone.
func labels(_ context.Context, in *Input) ([]Finding, error) {
	list, ok := dataset.Labels(in.Set.Rows)
	if !ok {
		return nil, nil
	}
	by, spellings := map[string][]int{}, map[string]map[string]bool{}
	for i, s := range list {
		if s == "" {
			continue
		}
		by[s] = append(by[s], in.Set.Rows[i].Line)
		key := said(s)
		if spellings[key] == nil {
			spellings[key] = map[string]bool{}
		}
		spellings[key][s] = true
	}
	var out []Finding
	for _, key := range sorted(spellings) {
		if forms := spellings[key]; len(forms) > 1 && key != "" {
			var all []int
			for _, s := range sorted(forms) {
				all = append(all, by[s]...)
			}
			f := lines("label_spelling", all)
			f.Message, f.Fix = fmt.Sprintf("a label is written in %d ways: %s", len(forms), strings.Join(quoted(sorted(forms)), ", ")), "write it in one way"
			out = append(out, f)
		}
	}
	most, least := "", ""
	for _, s := range sorted(by) {
		if most == "" || len(by[s]) > len(by[most]) {
			most = s
		}
		if least == "" || len(by[s]) < len(by[least]) {
			least = s
		}
	}
	if n, m := len(by[least]), len(by[most]); most != least && (n < fewOfLabel && m >= fewOfLabel || m >= imbalance*n) {
		f := lines("label_imbalance", by[least])
		f.Message = fmt.Sprintf("the label %q has %d rows, %q has %d", least, n, most, m)
		f.Evidence, f.Fix = share(by), "add rows of the rare labels, or take away rows of the common ones"
		out = append(out, f)
	}
	return out, nil
}

func quoted(list []string) []string {
	for i, s := range list {
		list[i] = fmt.Sprintf("%q", s)
	}
	return list
}

// share lists the labels and their rows.
func share(by map[string][]int) string {
	names := sorted(by)
	slices.SortStableFunc(names, func(a, b string) int { return len(by[b]) - len(by[a]) })
	parts := []string{}
	for _, s := range names[:min(len(names), 20)] {
		parts = append(parts, fmt.Sprintf("%s %d", s, len(by[s])))
	}
	return strings.Join(parts, ", ")
}

// lengths looks for answers that are much longer than others.
func lengths(_ context.Context, in *Input) ([]Finding, error) {
	var all []int
	for i := range in.Set.Rows {
		all = append(all, utf8.RuneCountInString(in.Set.Rows[i].Answer()))
	}
	if len(all) < fewRows {
		return nil, nil
	}
	order := slices.Sorted(slices.Values(all))
	median := max(order[len(order)/2], 20)
	total, long := 0, 0
	var list []int
	for i, n := range all {
		total += n
		if n > longOutlier*median {
			list = append(list, in.Set.Rows[i].Line)
			long += n
		}
	}
	if len(list) == 0 || float64(len(list)) > straying*float64(len(all)) {
		return nil, nil
	}
	f := lines("length_imbalance", list)
	f.Message = fmt.Sprintf("%s more than %d times as long as the usual answer of %d characters, and %.0f%% of all that is learnt", rows(f.Count), longOutlier, median, 100*float64(long)/float64(total))
	f.Fix = "shorten or remove them, unless such answers are wanted: each token counts the same"
	return []Finding{f}, nil
}
