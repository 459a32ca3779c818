package evalharness

import (
	"context"
	"fmt"
	"slices"

	"graft/evalharness/metrics"
	"graft/evalharness/stats"
)

// CompareRuns compares an arm of one run with an arm of another, or of the same. The
// cases have to be the same ones, with the same references, and the metric one that both
// runs have with the same signature: anything else would compare different things.
// metric "": the primary one of a.
func CompareRuns(ctx context.Context, a *Result, armA string, b *Result, armB, metric string) (*Comparison, error) {
	x, err := a.arm(armA)
	if err != nil {
		return nil, err
	}
	y, err := b.arm(armB)
	if err != nil {
		return nil, err
	}
	if metric == "" {
		metric = a.Settings.Primary
	}
	ma, mb := a.metric(metric), b.metric(metric)
	if ma == nil || mb == nil {
		return nil, fmt.Errorf("metric %s: both runs have to have computed it", metric)
	}
	if ma.Signature != mb.Signature {
		return nil, fmt.Errorf("metric %s is not the same in both runs: %s, and %s", metric, ma.Signature, mb.Signature)
	}
	at := map[string]int{}
	for i := range b.Gold.Cases {
		at[b.Gold.Cases[i].ID] = i
	}
	other := Arm{Name: y.Name, Kind: y.Kind, Prompt: y.Prompt, Invalid: y.Invalid}
	if len(a.Gold.Cases) != len(b.Gold.Cases) || len(x.Answers) != len(a.Gold.Cases) || len(y.Answers) != len(b.Gold.Cases) {
		return nil, fmt.Errorf("the runs have %d and %d cases: they do not pair up", len(a.Gold.Cases), len(b.Gold.Cases))
	}
	for i := range a.Gold.Cases {
		c := &a.Gold.Cases[i]
		k, ok := at[c.ID]
		if !ok || b.Gold.Cases[k].RefHash != c.RefHash || hashOf(b.Gold.Cases[k].Messages) != hashOf(c.Messages) {
			return nil, fmt.Errorf("case %s is not the same in both runs: they do not pair up", c.ID)
		}
		other.Answers = append(other.Answers, y.Answers[k])
	}
	r, err := a.again(metric, b)
	if err != nil {
		return nil, err
	}
	first := *x
	r.rescore(&first)
	r.rescore(&other)
	c := r.compare(&first, &other, false, []Guard{formatGuard(&first, &other)})
	if first.Name == other.Name {
		c.A, c.B = first.Name+" of "+a.ID, other.Name+" of "+b.ID
	}
	return &c, ctx.Err()
}

// again is a run of the same cases and settings, to score answers anew. Of a metric that
// needs a model, the values that this and other runs noted are taken.
func (res *Result) again(metric string, others ...*Result) (*run, error) {
	was := res.metric(metric)
	if was == nil {
		return nil, fmt.Errorf("metric %s: the run has to have computed it", metric)
	}
	r := &run{task: &Task{Seed: res.Settings.Seed}, gold: &res.Gold, labels: res.Settings.Labels}
	if metric == res.Settings.Primary {
		r.task.Margin = &res.Settings.Margin
	}
	m, err := metrics.New(metric, metrics.Options{Labels: r.labels})
	switch {
	case was.Kind == string(metrics.Continuous) && (err != nil || m.Prepare != nil):
		m = &metrics.Metric{Name: was.Name, Signature: was.Signature, Doc: was.Doc, Kind: metrics.Continuous, Scale: was.Scale, Margin: .02}
		if err := recall(m, append(others, res)); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case m.Signature != was.Signature:
		return nil, fmt.Errorf("metric %s was computed as %s, and this graft computes %s: evaluate again", metric, was.Signature, m.Signature)
	}
	r.metrics = []*metrics.Metric{m}
	return r, nil
}

// recall lets a metric have the values that runs noted of it.
func recall(m *metrics.Metric, runs []*Result) error {
	key := func(c *metrics.Case) string { return hashOf([]any{c.Prediction, c.References}) }
	known := map[string]float64{}
	for _, res := range runs {
		r := &run{labels: res.Settings.Labels}
		for i := range res.Arms {
			a := &res.Arms[i]
			if len(a.Answers) != len(res.Gold.Cases) {
				return fmt.Errorf("arm %s: %d answers to %d cases", a.Name, len(a.Answers), len(res.Gold.Cases))
			}
			list := r.scored(res.Gold.Cases, a.Answers)
			for k := range list {
				known[key(&list[k])] = a.Answers[k].Scores[m.Name]
			}
		}
	}
	m.Cases = func(list []metrics.Case) []float64 {
		values := make([]float64, len(list))
		for i := range list {
			values[i] = known[key(&list[i])]
		}
		return values
	}
	m.Corpus = func(list []metrics.Case) float64 { return stats.Mean(m.Cases(list)) }
	return nil
}

// rescore scores an arm by its answers alone.
func (r *run) rescore(a *Arm) {
	a.Answers = slices.Clone(a.Answers)
	a.Usage, a.Failed = Usage{}, 0
	for i := range a.Answers {
		_, a.Answers[i].invalid = r.form(a.Answers[i].Output)
	}
	r.score(a, r.gold.Cases)
}

// arm finds an arm; "": the adapter's, or else the best prompt's.
func (res *Result) arm(name string) (*Arm, error) {
	if name != "" {
		if a := res.Arm(name); a != nil {
			return a, nil
		}
		return nil, fmt.Errorf("run %s has no arm %q; it has %v", res.ID, name, res.armNames())
	}
	for _, kind := range []string{KindAdapter, KindBestPrompt} {
		if a := res.Arm(kind); a != nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("run %s: say which arm: %v", res.ID, res.armNames())
}

func (res *Result) armNames() (names []string) {
	for i := range res.Arms {
		names = append(names, res.Arms[i].Name)
	}
	return names
}

func (res *Result) metric(name string) *Metric {
	for i := range res.Settings.Metrics {
		if res.Settings.Metrics[i].Name == name {
			return &res.Settings.Metrics[i]
		}
	}
	return nil
}
