package evals

import (
	"bytes"
	"encoding/json"
	"fmt"

	"graft/evalharness"
	"graft/evalharness/stats"
)

// Graded is a run, with some of its rows, as a result of evaluations has it: one arm, and
// a metric for each grader. The arm's values are of all rows.
func Graded(e Eval, r Run, items []Item) *evalharness.Result {
	res := &evalharness.Result{Schema: evalharness.Schema, ID: r.ID, Name: e.Name, Started: r.Created, Finished: r.Created}
	if res.Name == "" {
		res.Name = e.ID
	}
	arm := evalharness.Arm{Name: r.Model, Kind: "model", Model: r.Model, Metrics: map[string]evalharness.Value{}, Failed: r.Counts.Errored,
		Prompt: evalharness.Prompt{Variant: "the run's own", MaxTokens: r.Sampling.MaxTokens}}
	if t := r.Sampling.Temperature; t != nil {
		arm.Prompt.Temperature = float64(*t)
	}
	if arm.Name == "" {
		arm.Name, arm.Model = "answers of the file", "none was asked"
	}
	names := map[string]string{} // of graders, by id
	for i, c := range e.Criteria {
		names[c.ID] = c.Name
		m := evalharness.Metric{Name: c.Name + ", passed", Signature: c.ID, Kind: stats.Binary, Scale: 1, Doc: c.Type}
		if i == 0 {
			res.Settings.Primary = m.Name
		}
		res.Settings.Metrics = append(res.Settings.Metrics, m)
	}
	for _, c := range r.Criteria {
		n := c.Passed + c.Failed
		if n == 0 {
			continue
		}
		v := evalharness.Value{Value: float64(c.Passed) / float64(n)}
		v.Low, v.High = stats.Wilson(c.Passed, n, .95)
		arm.Metrics[names[c.Criterion]+", passed"] = v
	}
	arm.Primary = arm.Metrics[res.Settings.Primary].Value
	for _, u := range r.Usage {
		if u.Model == r.Model || len(r.Usage) == 1 {
			arm.Usage = evalharness.Usage{Calls: u.Invocations, PromptTokens: u.Prompt, CompletionTokens: u.Completion}
		} else {
			res.Notes = append(res.Notes, fmt.Sprintf("%s was asked %d times, and took %d tokens", u.Model, u.Invocations, u.Total))
		}
	}
	for _, i := range items {
		c, a := graded(i, names)
		res.Gold.Cases = append(res.Gold.Cases, c)
		arm.Answers = append(arm.Answers, a)
	}
	res.Gold.File = "rows of the run"
	res.Arms = []evalharness.Arm{arm}
	return res
}

// graded is a row as a case, and what came of it as an answer.
func graded(i Item, names map[string]string) (evalharness.Case, evalharness.Answer) {
	id := fmt.Sprint(i.N)
	var text bytes.Buffer
	if json.Indent(&text, i.Row.Item, "", "  ") != nil {
		text.Write(i.Row.Item)
	}
	c := evalharness.Case{ID: id, Line: i.N + 1, Messages: []evalharness.Message{{Role: "item", Content: text.String()}}, Tags: []string{i.Status}}
	a := evalharness.Answer{Case: id, Scores: map[string]float64{}, Finish: i.Sample.FinishReason,
		Usage: evalharness.Usage{Calls: 1, PromptTokens: i.Sample.Usage.Prompt, CompletionTokens: i.Sample.Usage.Completion}}
	for _, m := range i.Sample.Input {
		a.Asked = append(a.Asked, evalharness.Message{Role: m.Role, Content: m.Content})
	}
	for _, m := range i.Sample.Output {
		a.Output += m.Content
		if len(m.ToolCalls) > 0 {
			a.Output += string(m.ToolCalls)
		}
	}
	if err := i.Sample.Error; err != nil {
		a.Error = err.Code + ": " + err.Message
	}
	for _, r := range i.Results {
		name := names[r.Name]
		a.Scores[name+", passed"] = 0
		if r.Passed {
			a.Scores[name+", passed"] = 1
		}
		a.Scores[name+", score"] = r.Score
		if r.Error != nil {
			a.Error += fmt.Sprintf(" %s: %s: %s", name, r.Error.Code, r.Error.Message)
		}
	}
	return c, a
}
