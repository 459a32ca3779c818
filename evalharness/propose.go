package evalharness

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// How instructions are proposed.
const (
	proposeExamples    = 6   // that a proposal is made from
	proposeTokens      = 220 // of a proposal
	proposeTemperature = 0.8
	proposeText        = 600  // bytes of an example's question and answer
	maxInstruction     = 1500 // bytes
)

// proposer is the model that writes instructions.
func (r *run) proposer() *plan {
	p := &plan{name: "proposer", endpoint: r.base, model: r.task.Model}
	name := r.task.Search.Proposer
	for i := range r.task.Remotes {
		if m := &r.task.Remotes[i]; m.Name == name {
			p.endpoint, p.model = r.remotes[name], m.Model
			return p
		}
	}
	if name != "" {
		p.model = name
	}
	return p
}

// proposals are instructions that a model writes, each from other examples of the pool:
// neither dev, on which they are then tried, nor gold is shown. A model that does not
// answer is an error: what is found must not depend on the weather.
func (r *run) proposals(ctx context.Context) (out []Prompt, spent Usage, err error) {
	n := min(r.task.Search.Propose, r.task.Search.Budget)
	if n == 0 {
		return nil, spent, nil
	}
	if r.pool == nil || len(r.pool.examples) == 0 {
		return nil, spent, errors.New("search.propose: instructions are written from training rows, and there are none: give train, or take it out")
	}
	p := r.proposer()
	seen := map[string]bool{}
	for _, v := range r.variants {
		seen[v.Instruction] = true
	}
	for i := range n {
		r.report("asking "+p.model+" for instructions", i, n)
		q := &question{
			Identity: p.endpoint.Identity, Model: p.model, Messages: []Message{{"user", r.proposalText(uint64(r.task.Seed) + uint64(i))}},
			MaxTokens: proposeTokens, Temperature: proposeTemperature, Seed: r.task.Seed + int64(i),
		}
		e, err := r.asker.ask(ctx, p.endpoint, q)
		if err != nil {
			return nil, spent, fmt.Errorf("search.propose: asking %s for instructions: %w", p.model, err)
		}
		spent = spent.plus(e.usage(p.endpoint.Price))
		text := instruction(e.Output)
		if text == "" || seen[text] {
			continue
		}
		seen[text] = true
		v := r.variants[0]
		v.Variant, v.Instruction = fmt.Sprintf("proposed-%d", i+1), text
		out = append(out, v)
	}
	return out, spent, nil
}

// proposalText asks for an instruction.
func (r *run) proposalText(seed uint64) string {
	var b strings.Builder
	b.WriteString("Below are examples of a task: what is asked, and the right answer. Write the instruction that a language model should get so that it gives the right answers to other questions of the same task. Say what decides the answer, and in what form it is wanted. Reply with the instruction only.\n")
	if len(r.labels) > 0 {
		fmt.Fprintf(&b, "\nThe answer is always one of: %s.\n", strings.Join(r.labels, ", "))
	}
	for i, x := range r.pool.random(proposeExamples, seed) {
		fmt.Fprintf(&b, "\nExample %d\nQuestion: %s\nAnswer: %s\n", i+1, clipText(x.Question, proposeText), clipText(x.Answer, proposeText))
	}
	return b.String()
}

// instruction finds it in what a model wrote: without fences, quotes or a heading.
func instruction(text string) string {
	text = strings.TrimSpace(text)
	if _, rest, ok := strings.Cut(text, "```"); ok { // a fenced block is what is meant
		if inner, _, ok := strings.Cut(rest, "```"); ok {
			if _, after, ok := strings.Cut(inner, "\n"); ok {
				text = strings.TrimSpace(after)
			}
		}
	}
	if head, rest, ok := strings.Cut(text, ":"); ok && strings.EqualFold(strings.Trim(head, " *#"), "instruction") {
		text = strings.TrimLeft(rest, " *\n")
	}
	for _, quote := range []string{`"`, "'", "“", "*"} {
		end := strings.Replace(quote, "“", "”", 1)
		if len(text) >= len(quote)+len(end) && strings.HasPrefix(text, quote) && strings.HasSuffix(text, end) {
			text = strings.TrimSuffix(strings.TrimPrefix(text, quote), end)
		}
	}
	return clipText(strings.TrimSpace(text), maxInstruction)
}

// clipText cuts a text to at most so many bytes, between runes.
func clipText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " …"
}
