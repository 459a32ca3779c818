package evalharness

import (
	"math"

	"graft/evalharness/metrics"
	"graft/evalharness/stats"
)

// paired are two arms on the same cases.
type paired struct {
	metric *metrics.Metric
	a, b   []metrics.Case // what they answered
	// x and y are what the cases of a and b are worth, as the metric has it; NaN: that is
	// not known. nil for metrics of whole sets.
	x, y    []float64
	through string // the arm that both were compared with, of preferences that nobody was asked for

	seed     uint64
	margin   float64
	clusters []int
}

// pair puts two arms side by side.
func (r *run) pair(a, b *Arm, m *metrics.Metric) *paired {
	p := &paired{metric: m, seed: uint64(r.task.Seed), margin: r.margin(), clusters: clusters(r.gold.Cases)}
	p.a, p.b = r.scored(r.gold.Cases, a.Answers, r.opponent), r.scored(r.gold.Cases, b.Answers, r.opponent)
	switch {
	case r.stored:
		p.x, p.y = a.scores(m.Name), b.scores(m.Name)
	case m.Cases != nil:
		p.x, p.y = m.Cases(p.a), m.Cases(p.b)
	}
	if m.Kind != metrics.PreferenceKind {
		return p
	}
	switch r.opponentName {
	case b.Name:
		p.y = others(p.x)
	case a.Name:
		p.x = others(p.y)
	default:
		p.through = r.opponentName
	}
	return p
}

// others are what preferences are worth to the other side.
func others(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = 1 - v
	}
	return out
}

// scores are an arm's values as they were written down; NaN: there is none.
func (a *Arm) scores(metric string) []float64 {
	out := make([]float64, len(a.Answers))
	for i := range a.Answers {
		v, ok := a.Answers[i].Scores[metric]
		if out[i] = v; !ok {
			out[i] = math.NaN()
		}
	}
	return out
}

// some are the pairs at the places given.
func (p *paired) some(at []int) *paired {
	q := *p
	q.a, q.b = picked(p.a, at), picked(p.b, at)
	q.x, q.y = picked(p.x, at), picked(p.y, at)
	q.clusters = picked(p.clusters, at)
	return &q
}

// picked are the members at the places given; nil of nil.
func picked[T any](list []T, at []int) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(at))
	for i, k := range at {
		out[i] = list[k]
	}
	return out
}

// values are what both arms are worth.
func (p *paired) values() (a, b float64) {
	if p.metric.Kind == metrics.CorpusKind {
		return value(p.metric, p.a), value(p.metric, p.b)
	}
	return stats.Mean(numbers(p.x)), stats.Mean(numbers(p.y))
}

// decide is the verdict of a comparison. failed counts cases without an answer of one of
// the arms; those whose value is not known, because a judge said nothing that could be
// read, are left out and count as such, too.
func (p *paired) decide(failed int, guards []Guard) Verdict {
	if p.metric.Kind == metrics.CorpusKind {
		return stats.Decide(stats.Evidence{Kind: stats.Corpus, N: len(p.a), A: p.x, B: p.y, Set: p.set, Margin: p.margin, Seed: p.seed, Guards: guards, Failed: failed, Clusters: p.clusters})
	}
	var known []int
	for i := range p.x {
		if !math.IsNaN(p.x[i]) && !math.IsNaN(p.y[i]) {
			known = append(known, i)
		}
	}
	failed += len(p.x) - len(known)
	q := p.some(known)
	e := stats.Evidence{Kind: string(p.metric.Kind), A: q.x, B: q.y, Margin: p.margin, Seed: p.seed, Guards: guards, Failed: failed, Clusters: q.clusters}
	if p.through != "" {
		// Win rates against the same opponent: twice their difference is in the unit of net
		// wins, which is what a preference's margin is in.
		e.Kind, e.A, e.B = stats.Continuous, net(q.x), net(q.y)
	}
	return stats.Decide(e)
}

// net makes net wins, -1 to 1, of win rates.
func net(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = 2*v - 1
	}
	return out
}

// set is the corpus value of both arms on some cases, some of which change sides.
func (p *paired) set(pick []int, swap []bool) (a, b float64) {
	x, y := make([]metrics.Case, len(pick)), make([]metrics.Case, len(pick))
	for i, k := range pick {
		if x[i], y[i] = p.a[k], p.b[k]; swap[k] {
			x[i], y[i] = y[i], x[i]
		}
	}
	return p.metric.Corpus(x), p.metric.Corpus(y)
}
