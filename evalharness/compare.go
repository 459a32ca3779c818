package evalharness

import (
	"fmt"
	"slices"

	"graft/evalharness/metrics"
	"graft/evalharness/stats"
)

// result puts the answers into the arms and scores them.
func (r *run) result(s *Search, plans []plan, answers [][]Answer) *Result {
	res := &Result{
		Schema: Schema, ID: "eval_" + r.hash[:24], Name: r.task.Name, Started: r.started, Version: r.Version, Gold: *r.gold,
		Search: s, Training: r.Training, Lint: r.Lint, Notes: r.notes,
		Settings: Settings{
			Task: string(r.task.text), Hash: r.hash, Primary: r.metrics[0].Name, Margin: r.margin(), Metrics: r.described(), Labels: r.labels, Seed: r.task.Seed,
			Base: r.task.Model, Identity: r.base.Identity,
		},
	}
	if slices.ContainsFunc(r.metrics, func(m *metrics.Metric) bool { return m.Kind == metrics.PreferenceKind }) {
		res.Settings.Opponent = r.opponentName
	}
	for i, p := range plans {
		a := Arm{Name: p.name, Kind: p.kind, Model: p.model, Generation: p.generation, Prompt: p.prompt, Answers: answers[i]}
		r.score(&a, r.gold.Cases)
		res.Arms = append(res.Arms, a)
		res.Ledger = append(res.Ledger, r.ledger(&a, s))
	}
	spent := r.judged
	if s != nil {
		spent = spent.plus(s.judging())
	}
	if spent.Calls > 0 {
		res.Judging = &spent
	}
	return res
}

func (r *run) described() []Metric {
	out := make([]Metric, len(r.metrics))
	for i, m := range r.metrics {
		out[i] = Metric{m.Name, m.Signature, string(m.Kind), m.Scale, m.Doc, nil}
		if s := r.specs[i]; len(s.used()) > 0 {
			out[i].Spec = &s
		}
	}
	return out
}

func (r *run) margin() float64 {
	if r.task.Margin != nil {
		return *r.task.Margin
	}
	return r.metrics[0].Margin
}

// ledger says what an arm was given.
func (r *run) ledger(a *Arm, s *Search) LedgerEntry {
	l := LedgerEntry{Arm: a.Name, Asking: a.Usage}
	switch a.Kind {
	case KindAdapter, KindAdapterRetrieval:
		l.TrainRows = r.trained
		if r.Training != nil {
			l.TrainRows, l.DevRows, l.Trained = r.Training.Rows, r.Training.Validation, r.Training.Tokens
		}
	case KindFewShot, KindChainOfThought, KindBestPrompt, KindRetrieval:
		if r.pool != nil {
			l.TrainRows = len(r.pool.examples)
		}
		if s != nil {
			l.DevRows, l.Choosing = s.DevRows, s.Usage
		}
	}
	return l
}

// Arm finds an arm by its name, or the first of a kind.
func (res *Result) Arm(name string) *Arm {
	for i := range res.Arms {
		if res.Arms[i].Name == name {
			return &res.Arms[i]
		}
	}
	for i := range res.Arms {
		if res.Arms[i].Kind == name {
			return &res.Arms[i]
		}
	}
	return nil
}

// compare compares two arms: with the primary metric, on all cases and on slices.
func (r *run) compare(a, b *Arm, primary bool, guards []Guard) Comparison {
	p := r.pair(a, b, r.metrics[0])
	c := Comparison{A: a.Name, B: b.Name, Metric: p.metric.Name, Primary: primary, Through: p.through}
	c.Slices = r.slices(p)
	guards = append(guards, sliceGuard(c.Slices))
	c.Verdict = p.decide(unanswered(a, b), guards)
	for i := range p.x {
		if x, y := p.x[i], p.y[i]; x > y || x < y { // neither is NaN
			c.Flips = append(c.Flips, Flip{r.gold.Cases[i].ID, x, y})
		}
	}
	return c
}

// leastSlice is how many cases a tag needs to be looked at.
const leastSlice = 5

// guardedSlice is how many cases a slice needs for its losses to stand in the way.
const guardedSlice = 15

// slices compares the cases of each tag; of tasks with labels, those of each label too.
func (r *run) slices(p *paired) []Slice {
	by := map[string][]int{}
	for i := range r.gold.Cases {
		c := &r.gold.Cases[i]
		for _, tag := range c.Tags {
			by[tag] = append(by[tag], i)
		}
		if len(r.labels) > 0 {
			by["label:"+r.references(c)[0]] = append(by["label:"+r.references(c)[0]], i)
		}
	}
	var out []Slice
	for tag, at := range by {
		if len(at) < leastSlice || len(at) == len(r.gold.Cases) {
			continue
		}
		q := p.some(at)
		v := q.decide(0, nil)
		va, vb := q.values()
		out = append(out, Slice{Tag: tag, N: len(at), A: va, B: vb, Diff: v.Diff, Low95: v.Low95, High95: v.High95, P: v.P})
	}
	slices.SortFunc(out, func(a, b Slice) int {
		if a.Tag < b.Tag {
			return -1
		}
		return 1
	})
	ps := make([]float64, len(out))
	for i := range out {
		ps[i] = out[i].P
	}
	for i, v := range stats.Holm(ps) {
		out[i].Adjusted = v
	}
	return out
}

// sliceGuard: no slice of some size has become worse.
func sliceGuard(list []Slice) Guard {
	for _, s := range list {
		if s.N >= guardedSlice && s.Diff < 0 && s.Adjusted < 0.05 {
			return Guard{Name: "slices", Detail: fmt.Sprintf("%s has become worse: %+.3f on %d cases (p %.3f after Holm)", s.Tag, s.Diff, s.N, s.Adjusted)}
		}
	}
	return Guard{Name: "slices", Passed: true, Detail: fmt.Sprintf("no slice of %d or more cases has become worse", guardedSlice)}
}

// formatGuard: answers that are not in the form wanted have not become more.
func formatGuard(a, b *Arm) Guard {
	const tolerance = 0.02
	g := Guard{Name: "format", Passed: a.Invalid <= b.Invalid+tolerance, Detail: fmt.Sprintf("answers not in the form wanted: %.1f %%, of the other arm %.1f %%", 100*a.Invalid, 100*b.Invalid)}
	return g
}
