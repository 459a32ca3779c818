package evalharness

import (
	"context"
	"fmt"
	"slices"

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
	if ma.Kind == string(metrics.PreferenceKind) && a.ID != b.ID {
		return nil, fmt.Errorf("metric %s is a preference, asked for between the arms of one run only: name another metric", metric)
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
	r, err := a.again(metric)
	if err != nil {
		return nil, err
	}
	first := *x
	r.recount(&first)
	r.recount(&other)
	c := r.compare(&first, &other, false, []Guard{formatGuard(&first, &other)})
	if first.Name == other.Name {
		c.A, c.B = first.Name+" of "+a.ID, other.Name+" of "+b.ID
	}
	return &c, ctx.Err()
}

// again is a run of the same cases and settings, to compare arms anew. What a metric can
// compute by itself is computed; where a model was asked, what the run noted is taken.
func (res *Result) again(metric string) (*run, error) {
	was := res.metric(metric)
	if was == nil {
		return nil, fmt.Errorf("metric %s: the run has to have computed it", metric)
	}
	r := &run{task: &Task{Seed: res.Settings.Seed}, gold: &res.Gold, labels: res.Settings.Labels, opponentName: res.Settings.Opponent}
	if metric == res.Settings.Primary {
		r.task.Margin = &res.Settings.Margin
	}
	info, ok := metrics.Lookup(was.Name)
	if !ok || string(info.Kind) != was.Kind {
		return nil, fmt.Errorf("metric %s: this graft has none of that name and kind (%s): evaluate again", was.Name, was.Kind)
	}
	if info.Needs != "" {
		r.stored = true
		r.metrics = []*metrics.Metric{{Name: info.Name, Signature: was.Signature, Doc: info.Doc, Kind: info.Kind, Margin: info.Margin, Scale: info.Scale}}
		return r, nil
	}
	s := MetricSpec{Name: was.Name}
	if was.Spec != nil {
		s = *was.Spec
		s.Name = was.Name
	}
	if err := s.check(); err != nil { // a result may come from anywhere
		return nil, fmt.Errorf("metric: %w", err)
	}
	m, err := r.openMetric(s, nil)
	if err != nil {
		return nil, err
	}
	if m.Signature != was.Signature {
		return nil, fmt.Errorf("metric %s was computed as %s, and this graft computes %s: evaluate again", metric, was.Signature, m.Signature)
	}
	r.metrics = []*metrics.Metric{m}
	return r, nil
}

// recount counts an arm's answers that are in no wanted form, by the answers alone.
func (r *run) recount(a *Arm) {
	a.Answers = slices.Clone(a.Answers)
	for i := range a.Answers {
		_, a.Answers[i].invalid = r.form(a.Answers[i].Output)
	}
	a.Invalid = a.invalidRate()
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
