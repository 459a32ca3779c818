package evalharness

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrEvidence: a result does not bear out the verdict that it states.
var ErrEvidence = errors.New("the result does not bear out its verdict")

// Evidence is what the registered verdict follows from, and nothing else of the result:
// the two arms, without what they were asked.
func (res *Result) Evidence() (*Result, error) {
	c := res.Registered()
	if c == nil {
		return nil, fmt.Errorf("run %s compares no adapter: it has no verdict", res.ID)
	}
	out := &Result{
		Schema: res.Schema, ID: res.ID, Name: res.Name, Started: res.Started, Finished: res.Finished, Version: res.Version, Settings: res.Settings,
		Gold: Gold{File: res.Gold.File, Hash: res.Gold.Hash}, Comparisons: []Comparison{*c}, Forgetting: res.Forgetting, Panel: res.Panel,
	}
	out.Settings.Task, out.Comparisons[0].Flips = "", nil
	for _, one := range res.Gold.Cases {
		one.Messages = nil
		out.Gold.Cases = append(out.Gold.Cases, one)
	}
	for _, name := range []string{c.A, c.B} {
		a := *res.Arm(name)
		a.Prompt.Examples, a.Answers = nil, slices.Clone(a.Answers)
		for i := range a.Answers {
			a.Answers[i].Asked, a.Answers[i].Raw = nil, ""
		}
		out.Arms = append(out.Arms, a)
	}
	return out, nil
}

// Registered is the comparison that was registered beforehand; nil: there is none.
func (res *Result) Registered() *Comparison {
	for i := range res.Comparisons {
		if res.Comparisons[i].Primary {
			return &res.Comparisons[i]
		}
	}
	return nil
}

// ParseResult reads a result's JSON.
func ParseResult(data []byte) (*Result, error) {
	res := new(Result)
	if err := json.Unmarshal(data, res); err != nil {
		return nil, err
	}
	if res.Schema != Schema {
		return nil, fmt.Errorf("the result is of schema %q, this graft reads %q", res.Schema, Schema)
	}
	return res, nil
}

// Bounds of what Proven resamples.
const (
	maxProven = 10_000 // cases
	maxTags   = 32     // of a case
)

// Proven is the registered verdict of a result, decided anew from its answers, and the
// adapter's arm. It is an error if it is another one than the result states: ErrEvidence.
func (res *Result) Proven() (*Verdict, *Arm, error) {
	bad := func(format string, args ...any) (*Verdict, *Arm, error) {
		return nil, nil, fmt.Errorf("%w: %s", ErrEvidence, fmt.Sprintf(format, args...))
	}
	c := res.Registered()
	if c == nil {
		return bad("run %.100s compares no adapter", res.ID)
	}
	a, b := res.Arm(c.A), res.Arm(c.B)
	n := len(res.Gold.Cases)
	switch {
	case a == nil || b == nil:
		return bad("the arms %.100s and %.100s are not in it", c.A, c.B)
	case a.Kind != KindAdapter || b.Kind != KindBestPrompt || a.Generation == "":
		return bad("it compares %.100s with %.100s, not an adapter with its base's best prompt", a.Kind, b.Kind)
	case c.Metric != res.Settings.Primary:
		return bad("it compares by %.100s, and %.100s is what decides", c.Metric, res.Settings.Primary)
	case n > maxProven:
		return bad("it has %d cases, and at most %d are looked at", n, maxProven)
	case len(a.Answers) != n || len(b.Answers) != n:
		return bad("there are %d cases, %d and %d answers", n, len(a.Answers), len(b.Answers))
	}
	for i := range res.Gold.Cases {
		one := &res.Gold.Cases[i]
		if len(one.Tags) > maxTags {
			return bad("case %.100s has more than %d tags", one.ID, maxTags)
		}
		if a.Answers[i].Case != one.ID || b.Answers[i].Case != one.ID || len(one.References) == 0 {
			return bad("case %.100s has no answers, or no references", one.ID)
		}
	}
	r, err := res.again(c.Metric)
	if err != nil {
		return nil, nil, err
	}
	x, y := *a, *b
	r.recount(&x)
	r.recount(&y)
	guards := []Guard{formatGuard(&x, &y)}
	if res.Forgetting != nil {
		guards = append(guards, res.Forgetting.guard())
	}
	fresh := &Result{Comparisons: []Comparison{r.compare(&x, &y, true, guards)}}
	if res.Panel != nil {
		fresh.AddPanel(*res.Panel)
	}
	v := fresh.Verdict()
	const digits = 1e-9
	if v.Outcome != c.Verdict.Outcome || math.Abs(v.Diff-c.Verdict.Diff) > digits || math.Abs(v.Low95-c.Verdict.Low95) > digits {
		return bad("it says %.40s (%+.4f), and its answers %s (%+.4f)", c.Verdict.Outcome, c.Verdict.Diff, v.Outcome, v.Diff)
	}
	return v, a, nil
}
