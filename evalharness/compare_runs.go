package evalharness

import (
	"context"
	"fmt"

	"graft/evalharness/metrics"
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
	r := &run{task: &Task{Seed: a.Settings.Seed}, gold: &a.Gold, labels: a.Settings.Labels}
	if metric == a.Settings.Primary {
		r.task.Margin = &a.Settings.Margin
	}
	m, err := metrics.New(metric, metrics.Options{Labels: r.labels})
	if err != nil {
		return nil, err
	}
	if m.Signature != ma.Signature {
		return nil, fmt.Errorf("metric %s was computed as %s, and this graft computes %s: evaluate again", metric, ma.Signature, m.Signature)
	}
	if m.Prepare != nil {
		return nil, fmt.Errorf("metric %s needs a model of embeddings: name another one", metric)
	}
	r.metrics = []*metrics.Metric{m}
	first := *x
	for _, arm := range []*Arm{&first, &other} {
		for i := range arm.Answers {
			arm.Answers[i].infra = arm.Answers[i].Error != ""
		}
		r.score(arm, r.gold.Cases)
	}
	c := r.compare(&first, &other, false, []Guard{formatGuard(&first, &other)})
	if first.Name == other.Name {
		c.A, c.B = first.Name+" of "+a.ID, other.Name+" of "+b.ID
	}
	return &c, ctx.Err()
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
