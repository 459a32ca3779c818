package native

import (
	"cmp"
	"slices"
)

// speculation is what an engine needs to guess tokens.
type speculation struct {
	pasts pasts
	pace  pace
	bets  []bet
}

// bet is the chance that one more row gives an answer one more token.
type bet struct {
	drafter *drafter
	chance  float64
}

// onlyDecodes tells whether every chunk is one token of an answer: passes with parts of prompts have rows enough.
func onlyDecodes(plan []chunk) bool {
	return !slices.ContainsFunc(plan, func(c chunk) bool { return c.n != 1 || c.logits != 1 || !c.samples() })
}

// speculate adds to the chunks of a step as many guesses as are worth their rows. It tells whether
// nothing but decoding is done, so that the pass says what rows cost.
func (e *engine) speculate(plan []chunk) (decodes bool) {
	s := e.spec
	for _, c := range plan {
		c.seq.answer.drafter.none()
	}
	if !onlyDecodes(plan) {
		return false
	}
	most := min(mostRows, e.sched.logits)
	if len(plan) >= most {
		return true
	}
	s.bets = s.bets[:0]
	for _, c := range plan {
		d, q := &c.seq.answer.drafter, c.seq
		d.propose(q.ids, q.limit-len(q.ids)-1)
		chance := 1.0
		for i := range d.draft {
			chance *= d.chance(i)
			s.bets = append(s.bets, bet{d, chance})
		}
	}
	slices.SortStableFunc(s.bets, func(a, b bet) int { return cmp.Compare(b.chance, a.chance) })
	n := min(s.pace.worth(len(plan), s.bets), most-len(plan))
	for _, b := range s.bets[:n] {
		b.drafter.computed++
	}
	for i := range plan {
		c := &plan[i]
		d := &c.seq.answer.drafter
		if d.computed > 0 && !e.sched.blocks.grow(&c.seq.table, len(c.seq.ids)+d.computed) {
			d.computed = 0
		}
		c.draft = d.draft[:d.computed]
	}
	clear(s.bets)
	return true
}
