package evalharness

import (
	"graft/evalharness/metrics"
	"graft/evalharness/stats"
)

// decide is the verdict of a comparison. failed counts cases without an answer of one of
// the arms.
func (p *paired) decide(failed int, guards []Guard) Verdict {
	e := stats.Evidence{Kind: string(p.metric.Kind), N: len(p.a), Margin: p.margin, Seed: p.seed, Guards: guards, Failed: failed, Clusters: p.clusters}
	if p.metric.Cases != nil {
		e.A, e.B = p.metric.Cases(p.a), p.metric.Cases(p.b)
	}
	if p.metric.Kind == metrics.CorpusKind {
		e.Set = p.set
	}
	return stats.Decide(e)
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

// unanswered counts the cases that one of two arms has no answer to, for reasons that
// are not its own.
func unanswered(a, b *Arm) (n int) {
	for i := range a.Answers {
		if a.Answers[i].Unanswered || b.Answers[i].Unanswered {
			n++
		}
	}
	return n
}

// clusters numbers the cases' sources; nil where each case is its own.
func clusters(cases []Case) []int {
	number := map[string]int{}
	out := make([]int, len(cases))
	some := false
	for i := range cases {
		name := cases[i].Cluster
		if name == "" {
			name = "\x00" + cases[i].ID
		} else {
			some = true
		}
		if _, ok := number[name]; !ok {
			number[name] = len(number)
		}
		out[i] = number[name]
	}
	if !some {
		return nil
	}
	return out
}
