package evalharness

import (
	"context"
	"fmt"

	"graft/evalharness/metrics"
	"graft/evalharness/stats"
)

// level of the intervals of single arms.
const level = 0.95

// openMetrics makes the metrics of the task, the primary one first.
func (r *run) openMetrics(names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		m, err := metrics.New(name, metrics.Options{Labels: r.labels, Embed: r.embedTexts()})
		if err != nil {
			return fmt.Errorf("metric %s: %w", name, err)
		}
		r.metrics = append(r.metrics, m)
	}
	return nil
}

// prepare computes what metrics need of other models.
func (r *run) prepare(ctx context.Context, list []metrics.Case) error {
	for _, m := range r.metrics {
		if m.Prepare == nil {
			continue
		}
		if err := m.Prepare(ctx, list); err != nil {
			return fmt.Errorf("metric %s: %w", m.Name, err)
		}
	}
	return nil
}

// scored are answers as the metrics take them.
func (r *run) scored(cases []Case, answers []Answer) []metrics.Case {
	out := make([]metrics.Case, len(cases))
	for i := range cases {
		out[i] = metrics.Case{Prediction: answers[i].Output, References: r.references(&cases[i]), Failed: answers[i].Error != ""}
		if out[i].Failed {
			out[i].Prediction = ""
		}
	}
	return out
}

// references are those of a case, read as answers are.
func (r *run) references(c *Case) []string {
	if len(r.labels) == 0 {
		return c.References
	}
	out := make([]string, len(c.References))
	for i, s := range c.References {
		out[i], _ = label(s, r.labels)
	}
	return out
}

// value is a metric's value for some answers.
func value(m *metrics.Metric, list []metrics.Case) float64 {
	if len(list) == 0 {
		return 0
	}
	return m.Corpus(list)
}

// score fills in what an arm's answers are worth.
func (r *run) score(a *Arm, cases []Case) {
	list := r.scored(cases, a.Answers)
	a.Metrics = map[string]Value{}
	for i := range a.Answers {
		a.Answers[i].Scores = map[string]float64{}
	}
	for k, m := range r.metrics {
		v := Value{Value: value(m, list)}
		var each []float64
		if m.Cases != nil {
			each = m.Cases(list)
			for i := range each {
				a.Answers[i].Scores[m.Name] = each[i]
			}
		}
		v.Low, v.High = r.interval(m, list, each)
		a.Metrics[m.Name] = v
		if k == 0 {
			a.Primary = v.Value
		}
	}
	invalid := 0
	for i := range a.Answers {
		x := &a.Answers[i]
		a.Usage = a.Usage.plus(x.Usage)
		if x.Unanswered {
			a.Failed++
		}
		if x.invalid || x.Error != "" {
			invalid++
		}
	}
	if n := len(a.Answers); n > 0 {
		a.Invalid = float64(invalid) / float64(n)
	}
	if len(r.labels) > 0 {
		a.Confusion = r.confusion(cases, a.Answers)
	}
}

// interval is that of one arm: Wilson's for shares, the bootstrap's otherwise.
func (r *run) interval(m *metrics.Metric, list []metrics.Case, each []float64) (low, high float64) {
	seed := uint64(r.task.Seed)
	switch {
	case m.Kind == metrics.Binary && each != nil:
		hits := 0
		for _, v := range each {
			if v > 0 {
				hits++
			}
		}
		return stats.Wilson(hits, len(each), level)
	case each != nil && m.Kind == metrics.Continuous:
		return stats.BCa(each, seed, level)
	}
	return stats.Bootstrap(len(list), func(pick []int) float64 {
		sample := make([]metrics.Case, len(pick))
		for i, k := range pick {
			sample[i] = list[k]
		}
		return m.Corpus(sample)
	}, seed, level)
}

func (r *run) confusion(cases []Case, answers []Answer) *Confusion {
	at := map[string]int{}
	c := &Confusion{Labels: r.labels, Counts: make([][]int, len(r.labels))}
	for i, l := range r.labels {
		at[l], c.Counts[i] = i, make([]int, len(r.labels)+1)
	}
	for i := range cases {
		row, ok := at[r.references(&cases[i])[0]]
		if !ok {
			continue
		}
		col, ok := at[answers[i].Output]
		if !ok || answers[i].Error != "" {
			col = len(r.labels)
		}
		c.Counts[row][col]++
	}
	return c
}
