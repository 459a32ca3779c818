package evalharness

import (
	"context"
	"fmt"
	"math"
	"strings"

	"graft/evalharness/metrics"
	"graft/evalharness/stats"
)

// level of the intervals of single arms.
const level = 0.95

// prepare computes what a metric needs of other models.
func prepare(ctx context.Context, m *metrics.Metric, list []metrics.Case) error {
	if m.Prepare == nil {
		return nil
	}
	if err := m.Prepare(ctx, list); err != nil {
		return fmt.Errorf("metric %s: %w", m.Name, err)
	}
	return nil
}

// scored are answers as the metrics take them; opponent are the answers of the arm that
// they are compared with, or nil.
func (r *run) scored(cases []Case, answers, opponent []Answer) []metrics.Case {
	out := make([]metrics.Case, len(cases))
	for i := range cases {
		out[i] = metrics.Case{Prediction: answers[i].Output, References: r.references(&cases[i]), Failed: answers[i].Error != "", Question: cases[i].asked()}
		if out[i].Failed {
			out[i].Prediction = ""
		}
		if opponent != nil && opponent[i].Error == "" {
			out[i].Opponent = opponent[i].Output
		}
	}
	return out
}

// asked is all that is asked, as a judge reads it: the question alone, or the turns of a
// conversation with their roles.
func (c *Case) asked() string {
	if len(c.Messages) == 1 {
		return c.Messages[0].Content
	}
	var b strings.Builder
	for i, m := range c.Messages {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(m.Role + ": " + m.Content)
	}
	return b.String()
}

// numbers are the values that are some: a judgement that could not be read is none.
func numbers(values []float64) []float64 {
	out := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) {
			out = append(out, v)
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
	list := r.scored(cases, a.Answers, r.opponent)
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
				if !math.IsNaN(each[i]) {
					a.Answers[i].Scores[m.Name] = each[i]
				}
			}
		}
		if m.Details != nil {
			v.Details = m.Details(list)
		}
		v.Low, v.High = r.interval(m, list, numbers(each))
		a.Metrics[m.Name] = v
		if k == 0 {
			a.Primary = v.Value
		}
	}
	for i := range a.Answers {
		a.Usage = a.Usage.plus(a.Answers[i].Usage)
		if a.Answers[i].Unanswered {
			a.Failed++
		}
	}
	a.Invalid = a.invalidRate()
	if len(r.labels) > 0 {
		a.Confusion = r.confusion(cases, a.Answers)
	}
}

// invalidRate is the share of answers that are in no form that is wanted.
func (a *Arm) invalidRate() float64 {
	invalid := 0
	for i := range a.Answers {
		if a.Answers[i].invalid || a.Answers[i].Error != "" {
			invalid++
		}
	}
	return float64(invalid) / float64(max(len(a.Answers), 1))
}

// interval is that of one arm: Wilson's for shares, the bootstrap's otherwise.
func (r *run) interval(m *metrics.Metric, list []metrics.Case, each []float64) (low, high float64) {
	seed := uint64(r.task.Seed)
	switch {
	case m.Kind == metrics.Binary && len(each) > 0:
		hits := 0
		for _, v := range each {
			if v > 0 {
				hits++
			}
		}
		return stats.Wilson(hits, len(each), level)
	case m.Kind == metrics.Continuous || m.Kind == metrics.PreferenceKind:
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
