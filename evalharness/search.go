package evalharness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// halvings are the shares of dev that the rounds of the search ask: after each but the
// last, the better half goes on. A third of dev tells the hopeless from the rest.
var halvings = []float64{1. / 3, 2. / 3, 1}

// finalists is how many candidates at least see all of dev.
const finalists = 3

// candidates are the prompts that are tried: instructions, each also with the answer
// held to the labels; solved examples; a chain of thought.
func (r *run) candidates() []Prompt {
	rules, vs := r.task.Search, r.variants
	constrain := len(r.labels) > 0 && (rules.Constrained == nil || *rules.Constrained)
	var out []Prompt
	add := func(p Prompt, held bool) {
		if held && constrain {
			p.Constrained, p.Variant = true, p.Variant+"+constrained"
		}
		out = append(out, p.seal())
	}
	for _, p := range vs {
		add(p, false)
		if constrain {
			add(p, true)
		}
	}
	if r.pool != nil && len(r.pool.examples) > 0 {
		// Examples go with the rows' own instruction and with the first of the others.
		for _, p := range vs[:min(len(vs), 2)] {
			for _, k := range rules.Shots {
				q := p
				q.Shots, q.Choose, q.Variant = k, "random", fmt.Sprintf("%s+%d-shot", p.Variant, k)
				q.Examples = r.pool.random(k, uint64(r.task.Seed))
				add(q, true)
				if r.embedder != nil {
					q := p
					q.Shots, q.Choose, q.Variant = k, "nearest", fmt.Sprintf("%s+%d-nearest", p.Variant, k)
					add(q, true)
				}
			}
		}
	}
	if rules.Thinking == nil || *rules.Thinking {
		for _, p := range vs[:min(len(vs), 2)] {
			p.Thinks, p.Suffix, p.Variant = true, thinkSuffix, p.Variant+"+thinking"
			p.MaxTokens += rules.ThinkTokens
			add(p, false)
		}
	}
	return out
}

// search finds the base's best prompt on dev.
func (r *run) search(ctx context.Context) (*Search, error) {
	s := &Search{DevRows: len(r.dev), DevHash: hashOf(r.dev), Budget: r.task.Search.Budget}
	live := r.candidates()
	if len(r.dev) == 0 {
		return nil, errors.New("no row is left to choose the base's prompt on: give dev, or more rows in train")
	}
	asked, total := 0, r.searchCalls(len(live))
	type tried struct {
		Candidate
		answers []Answer
	}
	field := make([]tried, len(live))
	for i, p := range live {
		field[i].Prompt = p
	}
	for round, share := range halvings {
		rows := max(1, int(share*float64(len(r.dev))+.5))
		for i := range field {
			f := &field[i]
			if f.Out != "" {
				continue
			}
			todo := r.dev[len(f.answers):rows]
			if asked+len(todo) > s.Budget {
				f.Out = "the budget of calls was used up"
				continue
			}
			p := plan{name: f.Prompt.Variant, kind: KindBestPrompt, endpoint: r.base, model: r.task.Model, prompt: f.Prompt}
			got, err := r.answerAll(ctx, []plan{p}, todo, func(n int) { r.report("searching the base's best prompt", asked+n, total) })
			if err != nil {
				return nil, err
			}
			for _, a := range got[0] {
				if a.Unanswered {
					return nil, fmt.Errorf("searching the base's best prompt: %s", a.Error)
				}
				f.Usage = f.Usage.plus(a.Usage)
			}
			asked += len(todo)
			f.answers = append(f.answers, got[0]...)
			list := r.scored(r.dev[:len(f.answers)], f.answers)
			if err := r.prepare(ctx, list); err != nil {
				return nil, err
			}
			f.Rows, f.Value = len(list), value(r.metrics[0], list)
		}
		// The better come first: more rows, a higher value, fewer tokens.
		slices.SortStableFunc(field, func(a, b tried) int {
			return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(b.Value, a.Value), cmp.Compare(a.perCall(), b.perCall()))
		})
		if round == len(halvings)-1 {
			break
		}
		alive := 0
		for i := range field {
			if field[i].Out == "" {
				alive++
			}
		}
		keep := max(finalists, (alive+1)/2)
		for i := range field {
			if f := &field[i]; f.Out == "" {
				if keep--; keep < 0 {
					f.Out = fmt.Sprintf("others were better on %d rows", f.Rows)
				}
			}
		}
	}
	for _, f := range field {
		s.Usage = s.Usage.plus(f.Usage)
		s.Candidates = append(s.Candidates, f.Candidate)
	}
	best := s.Candidates[0]
	if best.Rows == 0 {
		return nil, fmt.Errorf("search.budget: %d calls are too few to ask one prompt %d rows", s.Budget, int(halvings[0]*float64(len(r.dev))+.5))
	}
	s.Winner, s.WinnerHash, s.DevValue, s.Frozen = best.Prompt.Variant, best.Prompt.Hash, best.Value, time.Now().UTC()
	return s, nil
}

func (c *Candidate) perCall() float64 {
	if c.Usage.Calls == 0 {
		return 0
	}
	return float64(c.Usage.PromptTokens+c.Usage.CompletionTokens) / float64(c.Usage.Calls)
}

// searchCalls is how many calls the search will make.
func (r *run) searchCalls(n int) int {
	total, before := 0, 0
	for _, share := range halvings {
		rows := max(1, int(share*float64(len(r.dev))+.5))
		total += n * (rows - before)
		before, n = rows, max(min(n, finalists), (n+1)/2)
	}
	return min(total, r.task.Search.Budget)
}
