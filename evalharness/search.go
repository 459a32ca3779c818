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
// held to the labels; solved examples; a chain of thought. Those that a model proposed
// are tried by themselves.
func (r *run) candidates(proposed []Prompt) []Prompt {
	rules, vs := r.task.Search, r.variants
	constrain := len(r.labels) > 0 && (rules.Constrained == nil || *rules.Constrained)
	var out []Prompt
	add := func(p Prompt, held bool) {
		if held && constrain {
			p.Constrained, p.Variant = true, p.Variant+"+constrained"
		}
		out = append(out, p.seal())
	}
	for _, p := range append(slices.Clip(vs), proposed...) {
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

// searching is a search in progress. Of the folds of a cross-fitted one, each has its own
// budget, and what several of them ask is charged to each.
type searching struct {
	*run
	s     *Search
	dev   []Case
	field []tried
	asked int
	total int // calls that it will make
	stage string
}

// tried is a candidate with what it answered.
type tried struct {
	Candidate
	answers []Answer
}

// search finds the base's best prompt among candidates, on dev.
func (r *run) search(ctx context.Context, stage string, dev []Case, candidates []Prompt, proposed Usage) (*Search, error) {
	if len(dev) == 0 {
		return nil, errors.New("no row is left to choose the base's prompt on: give dev, or more rows in train")
	}
	dev = dev[:affordable(len(candidates), len(dev), r.task.Search.Budget-proposed.Calls)]
	g := &searching{run: r, dev: dev, stage: stage, asked: proposed.Calls, field: make([]tried, len(candidates))}
	g.s = &Search{DevRows: len(dev), DevHash: hashOf(dev), Budget: r.task.Search.Budget, Usage: proposed}
	g.total = proposed.Calls + searchCalls(len(candidates), len(dev), g.s.Budget-proposed.Calls)
	for i, p := range candidates {
		g.field[i].Prompt = p
	}
	for round, share := range halvings {
		if err := g.round(ctx, max(1, int(share*float64(len(dev))+.5))); err != nil {
			return nil, err
		}
		if round < len(halvings)-1 {
			g.halve()
		}
	}
	return g.s, g.conclude()
}

// round asks all that are still in the field so many rows, and sorts the field.
func (g *searching) round(ctx context.Context, rows int) error {
	for i := range g.field {
		f := &g.field[i]
		if f.Out != "" {
			continue
		}
		todo := g.dev[len(f.answers):rows]
		if g.asked+len(todo) > g.s.Budget {
			f.Out = "the budget of calls was used up"
			continue
		}
		p := plan{name: f.Prompt.Variant, kind: KindBestPrompt, endpoint: g.base, model: g.task.Model, prompt: f.Prompt}
		got, err := g.answerAll(ctx, []plan{p}, todo, func(n int) { g.report(g.stage, g.asked+n, g.total) })
		if err != nil {
			return err
		}
		for _, a := range got[0] {
			if a.Unanswered {
				return fmt.Errorf("%s: %s", g.stage, a.Error)
			}
			f.Usage = f.Usage.plus(a.Usage)
		}
		g.asked += len(todo)
		f.answers = append(f.answers, got[0]...)
		list := g.scored(g.dev[:len(f.answers)], f.answers, nil)
		if err := prepare(ctx, g.chooser, list); err != nil {
			return err
		}
		f.Rows, f.Value = len(list), value(g.chooser, list)
	}
	// The better come first: more rows, a higher value, fewer tokens.
	slices.SortStableFunc(g.field, func(a, b tried) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(b.Value, a.Value), cmp.Compare(a.perCall(), b.perCall()))
	})
	return nil
}

// halve drops the worse half of the field, down to the finalists.
func (g *searching) halve() {
	alive := 0
	for i := range g.field {
		if g.field[i].Out == "" {
			alive++
		}
	}
	keep := max(finalists, (alive+1)/2)
	for i := range g.field {
		if f := &g.field[i]; f.Out == "" {
			if keep--; keep < 0 {
				f.Out = fmt.Sprintf("others were better on %d rows", f.Rows)
			}
		}
	}
}

// conclude freezes the winner.
func (g *searching) conclude() error {
	s := g.s
	for _, f := range g.field {
		s.Usage = s.Usage.plus(f.Usage)
		s.Candidates = append(s.Candidates, f.Candidate)
	}
	best := g.field[0]
	if best.Rows == 0 {
		return fmt.Errorf("search.budget: %d calls are too few to ask one prompt %d rows", s.Budget, int(halvings[0]*float64(len(g.dev))+.5))
	}
	s.Winner, s.WinnerHash, s.DevValue, s.Frozen = best.Prompt.Variant, best.Prompt.Hash, best.Value, time.Now().UTC()
	list, m := g.scored(g.dev[:best.Rows], best.answers, nil), g.chooser
	var each []float64
	if m.Cases != nil {
		each = m.Cases(list)
	}
	s.DevLow, s.DevHigh = g.interval(m, list, numbers(each))
	if g.judged.Calls > 0 {
		judging := g.judged
		s.Judging, g.judged = &judging, Usage{}
	}
	return nil
}

func (c *Candidate) perCall() float64 {
	if c.Usage.Calls == 0 {
		return 0
	}
	return float64(c.Usage.PromptTokens+c.Usage.CompletionTokens) / float64(c.Usage.Calls)
}

// leastAffordable is how many rows of dev a search cuts itself down to.
const leastAffordable = 6

// affordable is how many rows of dev the budget suffices for, so that it does not run out
// before all candidates had their turn.
func affordable(candidates, dev, budget int) int {
	for n := dev; n >= leastAffordable; n-- {
		if searchCalls(candidates, n, budget+1) <= budget {
			return n
		}
	}
	return dev
}

// searchCalls is how many calls a search of n candidates on so many rows makes.
func searchCalls(n, dev, budget int) int {
	total, before := 0, 0
	for _, share := range halvings {
		rows := max(1, int(share*float64(dev)+.5))
		total += n * (rows - before)
		before, n = rows, max(min(n, finalists), (n+1)/2)
	}
	return min(total, budget)
}
