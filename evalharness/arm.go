package evalharness

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// ladderKinds are the arms that a task can ask for, from the cheapest to build upwards.
var ladderKinds = []string{KindZeroShot, KindFewShot, KindChainOfThought, KindRetrieval, KindBestPrompt, KindAdapter, KindAdapterRetrieval}

// LadderKinds are the arms that a task can ask for.
func LadderKinds() []string { return slices.Clone(ladderKinds) }

// plan is an arm before it has answered.
type plan struct {
	name, kind string
	endpoint   *Endpoint
	model      string // as it is asked for
	generation string
	prompt     Prompt
	by         map[string]Prompt // by case, where the search was cross-fitted
}

// promptOf is what a case is asked with.
func (p *plan) promptOf(c *Case) *Prompt {
	if own, ok := p.by[c.ID]; ok {
		return &own
	}
	return &p.prompt
}

// answerCase asks an arm one case. The error ends the run; what goes wrong with the
// answer alone is in it.
func (r *run) answerCase(ctx context.Context, p *plan, c *Case) (Answer, error) {
	a := Answer{Case: c.ID}
	q, err := r.question(ctx, p, c)
	if err != nil {
		return a, err
	}
	a.Asked = q.Messages
	e, err := r.asker.ask(ctx, p.endpoint, q)
	var broken errJournal
	switch {
	case ctx.Err() != nil:
		return a, ctx.Err()
	case errors.As(err, &broken):
		return a, broken.error
	case err != nil && fatal(err) && p.kind != KindRemote:
		return a, err
	case err != nil:
		a.Error, a.Unanswered = err.Error(), true
		return a, nil
	}
	a.Error, a.Finish, a.Cached, a.Usage = e.Error, e.Finish, e.old, e.usage(p.endpoint.Price)
	a.Output = p.promptOf(c).extract(e.Output)
	a.Output, a.invalid = r.form(a.Output)
	if strings.TrimSpace(e.Output) != a.Output {
		a.Raw = e.Output
	}
	return a, nil
}

// form reads an answer as a label, where there are labels, and tells whether it is in no
// form that is wanted.
func (r *run) form(output string) (read string, invalid bool) {
	if len(r.labels) == 0 {
		return output, output == ""
	}
	l, ok := label(output, r.labels)
	return l, !ok
}

// question is what an arm asks of its model for a case.
func (r *run) question(ctx context.Context, p *plan, c *Case) (*question, error) {
	prompt := p.promptOf(c)
	examples, documents := prompt.Examples, []string(nil)
	if prompt.Choose == "nearest" || prompt.Documents > 0 {
		v, err := r.embedder.embed(ctx, []string{c.question()})
		if err != nil {
			return nil, err
		}
		if prompt.Choose == "nearest" {
			for _, i := range nearest(r.pool.vectors, v[0], prompt.Shots) {
				examples = append(examples, r.pool.examples[i])
			}
		}
		if prompt.Documents > 0 {
			for _, i := range nearest(r.pool.docs, v[0], prompt.Documents) {
				documents = append(documents, r.pool.texts[i])
			}
		}
	}
	q := &question{
		Identity: p.endpoint.Identity, Model: p.model, Generation: p.generation, Messages: prompt.render(c, examples, documents),
		MaxTokens: prompt.MaxTokens, Temperature: prompt.Temperature, Stop: r.task.Generation.Stop, Seed: r.task.Seed,
	}
	// A completion's adapter has learnt to go on with the bare prompt.
	q.Raw = c.Raw && len(q.Messages) == 1 && (p.kind == KindAdapter || p.kind == KindAdapterRetrieval)
	if prompt.Constrained && !p.endpoint.Plain {
		q.Choices = r.labels
	}
	return q, nil
}

// plans are the arms of the task, with the winner of the search.
func (r *run) plans(s *Search) []plan {
	var out []plan
	add := func(kind, model, generation string, p Prompt) {
		out = append(out, plan{kind, kind, r.base, model, generation, p.seal(), nil})
	}
	own := r.variants[0]
	winner, by := own, map[string]Prompt(nil)
	if s != nil {
		winner, by, _ = s.pick(func(*Prompt) bool { return true })
		for _, rung := range []struct {
			kind string
			is   func(*Prompt) bool
		}{
			{KindFewShot, func(p *Prompt) bool { return p.Shots > 0 && !p.Thinks }},
			{KindChainOfThought, func(p *Prompt) bool { return p.Thinks }},
		} {
			if p, by, ok := s.pick(rung.is); ok && r.task.wants(rung.kind) {
				out = append(out, plan{rung.kind, rung.kind, r.base, r.task.Model, "", p, by})
			}
		}
	}
	if r.task.wants(KindZeroShot) {
		out = append([]plan{{KindZeroShot, KindZeroShot, r.base, r.task.Model, "", own.seal(), nil}}, out...)
	}
	retrieving := func(p Prompt) Prompt {
		p.Documents = r.task.Retrieval.K
		return p
	}
	canRetrieve := r.embedder != nil && r.pool != nil && len(r.pool.texts) > 0
	if canRetrieve && r.task.wants(KindRetrieval) {
		bare := func(p Prompt) Prompt {
			p.Shots, p.Choose, p.Examples, p.Variant = 0, "", nil, "retrieval"
			return retrieving(p)
		}
		out = append(out, plan{KindRetrieval, KindRetrieval, r.base, r.task.Model, "", bare(winner).seal(), changed(by, bare)})
	}
	if s != nil && r.task.wants(KindBestPrompt) {
		out = append(out, plan{KindBestPrompt, KindBestPrompt, r.base, r.task.Model, "", winner, by})
	}
	if r.adapter != "" {
		if r.task.wants(KindAdapter) {
			add(KindAdapter, r.adapter, r.generation, own)
		}
		if canRetrieve && r.task.wants(KindAdapterRetrieval) {
			add(KindAdapterRetrieval, r.adapter, r.generation, retrieving(own))
		}
	}
	for i := range r.task.Remotes {
		m := &r.task.Remotes[i]
		if m.Arm != nil && !*m.Arm {
			continue
		}
		p, by := own, by
		if m.Prompt == KindBestPrompt {
			p = winner
		} else {
			by = nil
		}
		plain := func(p Prompt) Prompt {
			p.Constrained = p.Constrained && !r.remotes[m.Name].Plain
			return p
		}
		out = append(out, plan{m.Name, KindRemote, r.remotes[m.Name], m.Model, "", plain(p).seal(), changed(by, plain)})
	}
	return out
}
