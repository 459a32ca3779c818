package report

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"graft/evalharness"
)

// WithoutTexts is a result to show to those who may not see the data: without questions,
// prompts, answers, references and examples, without the names of cases and people, and
// without folders and addresses. Labels and tags stay, as the names of groups; so do all
// numbers and hashes. It cannot be compared or rated any more.
func WithoutTexts(r *evalharness.Result) *evalharness.Result {
	b := &bare{r: r, ids: map[string]string{}}
	b.gather()
	out := *r
	out.WithoutTexts = true
	out.Settings = b.settings(r.Settings)
	out.Gold = evalharness.Gold{File: filepath.Base(r.Gold.File), Hash: r.Gold.Hash}
	for _, c := range r.Gold.Cases {
		out.Gold.Cases = append(out.Gold.Cases, evalharness.Case{ID: b.id(c.ID), Line: c.Line, RefHash: c.RefHash})
	}
	out.Arms = nil
	for _, a := range r.Arms {
		out.Arms = append(out.Arms, b.arm(a))
	}
	out.Comparisons = slices.Clone(r.Comparisons)
	for i := range out.Comparisons {
		c := &out.Comparisons[i]
		c.Flips = slices.Clone(c.Flips)
		for k := range c.Flips {
			c.Flips[k].Case = b.id(c.Flips[k].Case)
		}
	}
	if r.Search != nil {
		s := b.search(*r.Search)
		out.Search = &s
	}
	if r.Panel != nil {
		p := b.panel(*r.Panel)
		out.Panel = &p
	}
	out.Panels = nil
	for _, p := range r.Panels {
		out.Panels = append(out.Panels, b.panel(p))
	}
	out.Lint = nil
	for _, f := range r.Lint {
		out.Lint = append(out.Lint, evalharness.LintFinding{Check: f.Check, Severity: f.Severity, Message: checkFailed(f), Lines: f.Lines, Count: f.Count})
	}
	out.Todo = b.todo(r.Todo)
	out.Notes = []string{"The texts of the data, of prompts and of answers were left out of this report."}
	for _, n := range r.Notes {
		if !b.quotes(n) {
			out.Notes = append(out.Notes, n)
		}
	}
	return &out
}

// bare takes texts away.
type bare struct {
	r     *evalharness.Result
	ids   map[string]string // of cases: what they are called now
	texts []string          // that must not be quoted
}

// leastQuoted is how long a text is that a sentence can be said to quote.
const leastQuoted = 4

var byLine = regexp.MustCompile(`^line-\d+$`)

// gather collects what the data says, and gives cases names that say nothing.
func (b *bare) gather() {
	classes := map[string]bool{}
	for _, l := range b.r.Settings.Labels {
		classes[l] = true
	}
	add := func(texts ...string) {
		for _, s := range texts {
			if s = strings.TrimSpace(s); len(s) >= leastQuoted && !classes[s] {
				b.texts = append(b.texts, s)
			}
		}
	}
	for i, c := range b.r.Gold.Cases {
		if b.ids[c.ID] = c.ID; !byLine.MatchString(c.ID) {
			b.ids[c.ID] = fmt.Sprintf("case-%d", i+1)
			add(c.ID)
		}
		add(c.References...)
		for _, m := range c.Messages {
			add(m.Content)
		}
	}
	for i := range b.r.Arms {
		a := &b.r.Arms[i]
		add(a.Prompt.Instruction)
		for _, x := range a.Prompt.Examples {
			add(x.Question, x.Answer)
		}
		for _, x := range a.Answers {
			add(x.Output, x.Raw)
		}
	}
	for _, m := range b.r.Settings.Metrics {
		if m.Spec != nil {
			add(m.Spec.URL, m.Spec.Rubric)
		}
	}
	for _, p := range panels(b.r) {
		for _, r := range p.Raters {
			add(r.Name)
		}
	}
	slices.Sort(b.texts)
	b.texts = slices.Compact(b.texts)
}

// quotes tells whether a sentence has a text of the data in it.
func (b *bare) quotes(sentence string) bool {
	return slices.ContainsFunc(b.texts, func(s string) bool { return strings.Contains(sentence, s) })
}

func (b *bare) id(id string) string { return b.ids[id] }

func (b *bare) arm(a evalharness.Arm) evalharness.Arm {
	a.Model, a.Prompt = place(a.Model), prompt(a.Prompt)
	list := a.Answers
	a.Answers = nil
	for _, x := range list {
		one := evalharness.Answer{Case: b.id(x.Case), Scores: x.Scores, Usage: x.Usage, Cached: x.Cached, Finish: x.Finish, Unanswered: x.Unanswered}
		if x.Error != "" {
			one.Error = "there is no answer"
		}
		a.Answers = append(a.Answers, one)
	}
	return a
}

func prompt(p evalharness.Prompt) evalharness.Prompt {
	p.Instruction, p.Suffix, p.Examples = "", "", nil
	return p
}

func (b *bare) search(s evalharness.Search) evalharness.Search {
	s.Proposer = place(s.Proposer)
	s.Candidates = slices.Clone(s.Candidates)
	for i := range s.Candidates {
		c := &s.Candidates[i]
		if c.Prompt = prompt(c.Prompt); b.quotes(c.Out) {
			c.Out = "dropped"
		}
	}
	s.Folds = slices.Clone(s.Folds)
	for i := range s.Folds {
		f := &s.Folds[i]
		f.Search, f.Cases = b.search(f.Search), slices.Clone(f.Cases)
		for k := range f.Cases {
			f.Cases[k] = b.id(f.Cases[k])
		}
	}
	return s
}

func (b *bare) panel(p evalharness.Panel) evalharness.Panel {
	p.Raters = slices.Clone(p.Raters)
	for i := range p.Raters {
		p.Raters[i].Name = fmt.Sprintf("rater %d", i+1)
	}
	votes := p.Votes
	p.Votes = map[string]int{}
	for id, vote := range votes {
		p.Votes[b.id(id)] = vote
	}
	return p
}

func (b *bare) todo(list []evalharness.Todo) (out []evalharness.Todo) {
	for _, t := range list {
		t.Cases = slices.Clone(t.Cases)
		for k := range t.Cases {
			t.Cases[k] = b.id(t.Cases[k])
		}
		if t.Kind == "lint" || b.quotes(t.Text) {
			t.Text = "a finding in the data: its text was left out"
		}
		for _, f := range b.r.Lint {
			if t.Kind == "lint" && slices.Equal(f.Lines, t.Lines) {
				t.Text = checkFailed(f)
				break
			}
		}
		out = append(out, t)
	}
	return out
}

func checkFailed(f evalharness.LintFinding) string {
	return fmt.Sprintf("graft data check found %s, %d times", f.Check, f.Count)
}

// place is a model's name without the folder that it lies in.
func place(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Base(name)
	}
	return name
}

// settings are those of a run, with the options of its metrics and the text of its task
// as far as they hold neither texts nor places.
func (b *bare) settings(s evalharness.Settings) evalharness.Settings {
	s.Task, s.Base = task(s.Task), place(s.Base)
	s.Metrics = slices.Clone(s.Metrics)
	for i := range s.Metrics {
		m := &s.Metrics[i]
		if m.Spec != nil && m.Spec.URL != "" { // a judge is signed with its address
			m.Signature = strings.ReplaceAll(m.Signature, m.Spec.URL, "another-server")
		}
		m.Spec = nil
	}
	return s
}

// kept are the keys of a task that neither texts nor places stand behind.
var kept = []string{"name", "adapter", "dev_share", "margin", "arms", "search", "generation", "forgetting", "price", "currency", "seed", "parallel"}

// task is the text of a task without what may be a text or a place.
func task(text string) string {
	var all map[string]any
	if text == "" || yaml.Unmarshal([]byte(text), &all) != nil {
		return ""
	}
	out := map[string]any{}
	for _, key := range kept {
		if v, ok := all[key]; ok {
			out[key] = v
		}
	}
	if g, ok := out["generation"].(map[string]any); ok {
		delete(g, "stop")
	}
	for _, key := range []string{"model", "metric"} {
		if v, ok := all[key].(string); ok {
			out[key] = place(v)
		}
	}
	written, err := yaml.Marshal(out)
	if err != nil {
		return ""
	}
	return "# without texts, files and addresses\n" + string(written)
}
