package evals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"graft/adapters"
	"graft/evalharness/graders"
	"graft/internal/chat"
	"graft/internal/store"
	"graft/serving"
)

// outcome is what came out of a row, and what it has cost.
type outcome struct {
	Output
	status string
	asked  []graders.Answer
}

// errItem is a row that holds not what it has to.
var errItem = errors.New("the row is not as the run expects it")

// endsRun tells errors that every row would meet.
func endsRun(err error) bool {
	return errors.Is(err, serving.ErrModelNotFound) || errors.Is(err, adapters.ErrNotFound) || errors.Is(err, serving.ErrNoChatTemplate) || errors.Is(err, serving.ErrAdapter)
}

// outcome asks and grades. Its error ends the run: also one that says that the
// server shuts down, after which the row is still pending.
func (w *worker) outcome(ctx context.Context, row store.EvalItem) (*outcome, error) {
	out := &outcome{Output: Output{Results: []Result{}}}
	v, err := w.sample(ctx, row, out)
	if ctx.Err() != nil || errors.Is(err, serving.ErrDraining) {
		return nil, interrupted(ctx, err)
	}
	if err != nil {
		if endsRun(err) {
			return nil, err
		}
		out.status, out.Sample = Errored, emptySample(errorOf(err))
		return out, nil
	}
	out.status = Pass
	for _, g := range w.criteria {
		r, err := g.Grade(ctx, v, w, w.Similarity(w.kept.Client))
		if ctx.Err() != nil || errors.Is(err, serving.ErrDraining) {
			return nil, interrupted(ctx, err)
		}
		if err != nil && endsRun(err) {
			return nil, err
		}
		if r.Reply != nil {
			out.asked = append(out.asked, *r.Reply)
		}
		res := Result{Name: g.Spec.ID, Type: g.Spec.Type, Score: r.Score, Passed: r.Passed, Sample: judged(r)}
		if r.Signature != "" {
			res.Metrics = &Metrics{r.Signature}
		}
		if err != nil {
			res.Error = errorOf(err)
		}
		out.Results = append(out.Results, res)
		switch {
		case err != nil && !errors.Is(err, graders.ErrReply): // no number is a score of 0
			out.status = Errored
		case !r.Passed && out.status == Pass:
			out.status = Fail
		}
	}
	return out, nil
}

// interrupted waits until ctx ends where the server said that it shuts down: its
// workers are stopped next.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		<-ctx.Done()
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// sample gets the answer to a row: from the row, or from the model.
func (w *worker) sample(ctx context.Context, row store.EvalItem, out *outcome) (v graders.Values, err error) {
	var r Row
	if err := json.Unmarshal([]byte(row.Row), &r); err != nil {
		return v, fmt.Errorf("row %d: %w", row.N, err)
	}
	if v.Item, err = decode(r.Item); err != nil {
		return v, fmt.Errorf("row %d: %w", row.N, err)
	}
	if w.kept.Kind == JSONL {
		given, err := decode(r.Sample)
		if err != nil {
			return v, fmt.Errorf("row %d: %w", row.N, err)
		}
		fields, ok := given.(map[string]any)
		if !ok {
			return v, fmt.Errorf("%w: its sample is no object", errItem)
		}
		v.Sample, out.Sample = fields, givenSample(fields)
		return v, nil
	}
	q := graders.Question{Model: w.kept.Model, Sampling: w.kept.Sampling, Format: w.kept.Format, Tools: w.kept.Tools}
	if w.prompt != nil {
		q.Messages, err = w.prompt.Render(v)
	} else {
		q.Messages, err = referred(w.ref, v)
	}
	if err != nil {
		return v, err
	}
	a, err := w.Ask(ctx, q)
	if err != nil {
		return v, err
	}
	out.asked = append(out.asked, *a)
	out.Sample = sampled(q.Messages, a)
	v.Sample = values(a, q.Format.Type != "" && q.Format.Type != "text")
	return v, nil
}

// referred reads the messages that an item holds.
func referred(ref *graders.Reference, v graders.Values) ([]chat.Message, error) {
	found, err := ref.Lookup(v)
	if err != nil {
		return nil, err
	}
	list, ok := found.([]any)
	if !ok || len(list) == 0 || len(list) > graders.MaxMessages {
		return nil, fmt.Errorf("%w: %s is no list of 1 to %d messages", errItem, ref, graders.MaxMessages)
	}
	var out []chat.Message
	for i, x := range list {
		m, _ := x.(map[string]any)
		role, _ := m["role"].(string)
		text, ok := content(m["content"])
		if !ok || !slices.Contains([]string{"user", "assistant", "system", "developer"}, role) {
			return nil, fmt.Errorf("%w: message %d of %s has not a role (user, assistant, system, developer) and a content of text", errItem, i+1, ref)
		}
		out = append(out, chat.Text(role, text))
	}
	return out, nil
}

// content is the text of a message: a string, or parts of text.
func content(x any) (string, bool) {
	switch x := x.(type) {
	case string:
		return x, true
	case map[string]any:
		text, ok := x["text"].(string)
		return text, ok
	case []any:
		all := ""
		for i, part := range x {
			text, ok := content(part)
			if !ok {
				return "", false
			}
			if i > 0 {
				all += "\n"
			}
			all += text
		}
		return all, true
	}
	return "", false
}

// add counts a row.
func (k *kept) add(out *outcome) {
	k.Counts.Total++
	switch out.status {
	case Pass:
		k.Counts.Passed++
	case Fail:
		k.Counts.Failed++
	default:
		k.Counts.Errored++
	}
	for _, r := range out.Results {
		i := slices.IndexFunc(k.Criteria, func(c CriterionCount) bool { return c.Criterion == r.Name })
		switch {
		case i < 0 || r.Error != nil && r.Error.Code != replyError:
		case r.Passed:
			k.Criteria[i].Passed++
		default:
			k.Criteria[i].Failed++
		}
	}
	for _, a := range out.asked {
		i := slices.IndexFunc(k.Usage, func(u ModelUsage) bool { return u.Model == a.Model })
		if i < 0 {
			i = len(k.Usage)
			k.Usage = append(k.Usage, ModelUsage{Model: a.Model})
		}
		u := &k.Usage[i]
		u.Invocations++
		u.Prompt += a.Usage.Prompt
		u.Completion += a.Usage.Completion
		u.Total += a.Usage.Prompt + a.Usage.Completion
		u.Cached += a.Usage.Cached
	}
}
