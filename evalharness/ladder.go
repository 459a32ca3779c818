package evalharness

import (
	"fmt"
	"slices"
)

// tiedAbove is the p-value from which on an arm counts as tied with the best.
const tiedAbove = 0.05

// ladder measures what each rung costs and brings. Costs are the time that a call took,
// or money where the task has prices.
func (r *run) ladder(res *Result) *Ladder {
	l := &Ladder{}
	var best *Arm
	priced := false
	for i := range res.Arms {
		a := &res.Arms[i]
		if best == nil || a.Primary > best.Primary {
			best = a
		}
		priced = priced || a.Usage.Cost > 0
	}
	if best == nil {
		return nil
	}
	l.Best = best.Name
	arms := make([]*Arm, len(res.Arms))
	for i := range res.Arms {
		arms[i] = &res.Arms[i]
	}
	slices.SortStableFunc(arms, func(a, b *Arm) int { return rungOf(a.Kind) - rungOf(b.Kind) })
	for _, a := range arms {
		v := a.Metrics[r.metrics[0].Name]
		n := float64(max(len(a.Answers), 1))
		rung := Rung{
			Arm: a.Name, Kind: a.Kind, Value: v.Value, Low: v.Low, High: v.High, CostUnit: "ms", P: 1, Tied: true,
			PromptTokens: float64(a.Usage.PromptTokens) / n, Tokens: float64(a.Usage.CompletionTokens) / n, Ms: a.Usage.Ms / n,
		}
		cost := a.Usage.Ms
		if priced {
			cost, rung.CostUnit = a.Usage.Cost, r.task.Currency
		}
		if right := v.Value / r.metrics[0].Scale * n; right > 0 {
			per := cost / right
			rung.CostPerCorrect = &per
		}
		if a != best {
			d := r.pair(best, a, r.metrics[0]).decide(0, nil)
			rung.P, rung.Tied = d.P, !(d.P < tiedAbove && d.Diff > 0)
		}
		l.Rungs = append(l.Rungs, rung)
	}
	// The cheapest to build that is tied with the best; among equals of a rung the order
	// of the arms decides.
	for _, rung := range l.Rungs {
		if rung.Tied {
			l.Recommend = rung.Arm
			break
		}
	}
	l.Advice = r.advice(res, l, best)
	return l
}

// apart names an arm so that it is not taken for another one.
func apart(a, other *Arm) string {
	if a.Name == other.Name || a.Kind == other.Kind {
		return a.Name + " with " + a.Prompt.Variant
	}
	return a.Name
}

// rungOf is the place of a kind on the ladder; what is elsewhere comes last.
func rungOf(kind string) int {
	if i := slices.Index(ladderKinds, kind); i >= 0 {
		return i
	}
	return len(ladderKinds)
}

// enoughRows is how many training rows fine-tuning should have at least (OpenAI's
// guide: improvements are seen from 50 to 100 on).
const enoughRows = 50

// advice is the conclusion in words.
func (r *run) advice(res *Result, l *Ladder, best *Arm) string {
	full := r.metrics[0].Scale
	if full == 0 {
		full = 1
	}
	recommended := res.Arm(l.Recommend)
	text := fmt.Sprintf("%s is the best rung (%.3f), and none that is cheaper to build is tied with it.", best.Name, best.Primary)
	if l.Recommend != l.Best {
		text = fmt.Sprintf("%s (%.3f) is the cheapest rung that is not significantly worse than the best one, %s (%.3f).", apart(recommended, best), recommended.Primary, apart(best, recommended), best.Primary)
	}
	if !r.Advise {
		return text
	}
	room := 1 - best.Primary/full
	switch {
	case r.trained < enoughRows:
		return text + fmt.Sprintf(" Fine-tuning is not worth trying yet: there are %d training rows, and it seldom helps below %d.", r.trained, enoughRows)
	case room <= r.margin()/full:
		return text + fmt.Sprintf(" Fine-tuning is not worth trying: prompting leaves %.3f to gain, less than the margin of %.3f.", room*full, r.margin())
	}
	return text + fmt.Sprintf(" Fine-tuning is worth trying: prompting leaves %.3f to gain, and there are %d rows to train on. graft prove does all of it.", room*full, r.trained)
}
