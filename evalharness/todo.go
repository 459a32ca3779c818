package evalharness

import (
	"cmp"
	"fmt"
	"slices"
)

// lostNamed is how many lost cases an entry names.
const lostNamed = 20

// todo says what to fix in the data: where the adapter loses, and what the checks of
// the training rows had to say of it.
func (r *run) todo(res *Result) (out []Todo) {
	var c *Comparison
	for i := range res.Comparisons {
		if res.Comparisons[i].Primary {
			c = &res.Comparisons[i]
		}
	}
	if c == nil {
		return nil
	}
	if v := &c.Verdict; v.MoreCases > 0 && v.Outcome == NotEnough {
		out = append(out, Todo{Kind: "size", Text: fmt.Sprintf("add %d cases to the gold set: with %d a difference of %.3f cannot be told from chance", v.MoreCases, v.N, v.Margin)})
	}
	var lost []string
	for _, f := range c.Flips {
		if f.A < f.B {
			lost = append(lost, f.Case)
		}
	}
	if len(lost) > 0 {
		out = append(out, Todo{Kind: "cases", Cases: lost[:min(len(lost), lostNamed)], Text: fmt.Sprintf("look at the %d cases that the base has right with its best prompt and the adapter has not: training rows like them are missing, or wrong", len(lost))})
	}
	weak := slices.Clone(c.Slices)
	slices.SortFunc(weak, func(a, b Slice) int { return cmp.Or(cmp.Compare(a.Diff, b.Diff), cmp.Compare(a.Tag, b.Tag)) })
	for _, s := range weak {
		if s.Diff < 0 && len(out) < 8 {
			out = append(out, Todo{Kind: "slice", Text: fmt.Sprintf("%s: %.3f with the adapter, %.3f with the base's best prompt, on %d cases: add rows of it, or look for wrong ones", s.Tag, s.A, s.B, s.N)})
		}
	}
	if a := res.Arm(c.A); a != nil && a.Invalid > 0.02 {
		out = append(out, Todo{Kind: "format", Text: fmt.Sprintf("%.0f %% of the adapter's answers are not in the form wanted: make all training answers of one form", 100*a.Invalid)})
	}
	if f := res.Forgetting; f != nil && !f.Passed {
		out = append(out, Todo{Kind: "forgetting", Text: cmp.Or(f.Advice, "train with a lower learning rate or fewer epochs: too much else was unlearnt")})
	}
	for _, f := range res.Lint {
		out = append(out, Todo{Kind: "lint", Text: f.Message + ": " + f.Fix, Lines: f.Lines})
	}
	return out
}
