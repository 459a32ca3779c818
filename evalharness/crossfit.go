package evalharness

import (
	"context"
	"errors"
	"fmt"
)

// folds is how many parts the gold set is cut into where there are no other rows.
const folds = 5

// crossfitted chooses the base's prompt for each fifth of the gold set on the other four:
// no case has a say in the prompt that it is asked with. (reference: evaluation.md,
// "Best prompt chosen on dev", e.) Each fold may spend the budget; what several of them
// ask is asked once.
func (r *run) crossfitted(ctx context.Context) (*Search, error) {
	if r.task.Search.Propose > 0 {
		return nil, errors.New("search.propose: there are no rows but gold, and no model may see these: give train, or take it out")
	}
	if len(r.gold.Cases) < 2*folds {
		return nil, fmt.Errorf("there are no rows but gold, and its %d cases are too few to choose the base's prompt on a part of them: give train or dev", len(r.gold.Cases))
	}
	parts := r.foldsOf()
	all := &Search{Crossfit: true, DevRows: len(r.gold.Cases), DevHash: r.gold.Hash, Budget: folds * r.task.Search.Budget}
	for k, part := range parts {
		in := map[int]bool{}
		f := Fold{}
		for _, i := range part {
			in[i] = true
			f.Cases = append(f.Cases, r.gold.Cases[i].ID)
		}
		var dev []Case
		for i := range r.gold.Cases {
			if !in[i] {
				dev = append(dev, r.gold.Cases[i])
			}
		}
		shuffle(dev, uint64(r.task.Seed))
		dev = dev[:min(len(dev), r.task.Search.DevRows)]
		s, err := r.search(ctx, fmt.Sprintf("%s, part %d of %d", searchStage, k+1, folds), dev, r.candidates(nil), Usage{})
		if err != nil {
			return nil, err
		}
		f.Search = *s
		all.Folds = append(all.Folds, f)
		all.Usage = all.Usage.plus(s.Usage)
		if s.Judging != nil {
			judging := s.Judging.plus(all.judging())
			all.Judging = &judging
		}
		all.DevValue += s.DevValue / folds
		all.DevLow += s.DevLow / folds
		all.DevHigh += s.DevHigh / folds
		all.Frozen = s.Frozen
	}
	all.Candidates = all.summed()
	all.Winner, all.WinnerHash = all.Candidates[0].Prompt.Variant, all.Candidates[0].Prompt.Hash
	return all, nil
}

// foldsOf cuts the gold set into parts of about the same size; cases of one source stay
// together.
func (r *run) foldsOf() [][]int {
	number := clusters(r.gold.Cases)
	if number == nil {
		number = make([]int, len(r.gold.Cases))
		for i := range number {
			number[i] = i
		}
	}
	by := map[int][]int{}
	var order []int
	for i, n := range number {
		if by[n] == nil {
			order = append(order, n)
		}
		by[n] = append(by[n], i)
	}
	shuffle(order, uint64(r.task.Seed))
	parts := make([][]int, folds)
	for _, n := range order {
		least := 0
		for k := range parts {
			if len(parts[k]) < len(parts[least]) {
				least = k
			}
		}
		parts[least] = append(parts[least], by[n]...)
	}
	return parts
}

// judging is what judges of the candidates cost.
func (s *Search) judging() Usage {
	if s.Judging == nil {
		return Usage{}
	}
	return *s.Judging
}

// summed are the candidates of all folds, those first that won most of them.
func (s *Search) summed() []Candidate {
	wins := map[string]int{}
	for i := range s.Folds {
		wins[s.Folds[i].Search.WinnerHash]++
	}
	var out []Candidate
	at := map[string]int{}
	for i := range s.Folds {
		for _, c := range s.Folds[i].Search.Candidates {
			k, ok := at[c.Prompt.Hash]
			if !ok {
				at[c.Prompt.Hash] = len(out)
				out = append(out, c)
				continue
			}
			if c.Rows > out[k].Rows {
				out[k] = c
			}
		}
	}
	best := 0
	for i := range out {
		if wins[out[i].Prompt.Hash] > wins[out[best].Prompt.Hash] {
			best = i
		}
	}
	out[0], out[best] = out[best], out[0]
	return out
}

// pick finds the best prompt of a kind, and for cross-fitted searches that of each case.
func (s *Search) pick(is func(*Prompt) bool) (p Prompt, by map[string]Prompt, ok bool) {
	first := func(list []Candidate) (Prompt, bool) {
		for _, untried := range []bool{false, true} { // for which the budget did not suffice
			for i := range list {
				if q := list[i].Prompt; untried == (list[i].Rows == 0) && is(&q) {
					return q, true
				}
			}
		}
		return Prompt{}, false
	}
	if p, ok = first(s.Candidates); !ok || !s.Crossfit {
		return p, nil, ok
	}
	by = map[string]Prompt{}
	for i := range s.Folds {
		q, ok := first(s.Folds[i].Search.Candidates)
		if !ok {
			return p, nil, false
		}
		for _, id := range s.Folds[i].Cases {
			by[id] = q
		}
	}
	return p, by, true
}

// changed are the prompts of cases, each changed in the same way.
func changed(by map[string]Prompt, change func(Prompt) Prompt) map[string]Prompt {
	if by == nil {
		return nil
	}
	out := map[string]Prompt{}
	for id, p := range by {
		out[id] = change(p).seal()
	}
	return out
}
