package graders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"graft/internal/chat"
	"graft/serving"
)

// Errors of a grader that has no score, wrapped with what they concern.
var (
	ErrJudge   = errors.New("the model that grades gave no answer")        // wraps the error of Judge
	ErrReply   = errors.New("the reply of the model that grades is wrong") // its text is in Result.Reply
	ErrFormula = errors.New("the formula has no value")
	ErrMeasure = errors.New("the texts cannot be compared")
)

// Result is what a grader says of one answer.
type Result struct {
	Score     float64
	Passed    bool
	Signature string            // of a similarity: how it was computed
	Asked     []chat.Message    // what a model was asked; nil: none was
	Reply     *Answer           // what it answered
	Sub       map[string]Result // of a multi grader
}

// Grade scores one answer. A Result comes with an error too: score 0, not passed,
// and what was asked so far. Errors: ErrVariable, and those above.
func (g *Grader) Grade(ctx context.Context, v Values, judge Judge, similar Similarity) (Result, error) {
	switch g.Spec.Type {
	case StringCheck:
		return g.check(v)
	case TextSimilarity:
		return g.similar(ctx, v, similar)
	case ScoreModel:
		return g.score(ctx, v, judge)
	case LabelModel:
		return g.label(ctx, v, judge)
	}
	return g.combine(ctx, v, judge, similar)
}

// texts are the input and the reference.
func (g *Grader) texts(v Values) (input, reference string, err error) {
	if input, err = g.text.Render(v); err == nil {
		reference, err = g.ref.Render(v)
	}
	return input, reference, err
}

func (g *Grader) check(v Values) (r Result, err error) {
	input, reference, err := g.texts(v)
	if err != nil {
		return r, err
	}
	switch g.Spec.Operation {
	case "eq":
		r.Passed = input == reference
	case "ne", "neq":
		r.Passed = input != reference
	case "like":
		r.Passed = strings.Contains(input, reference)
	case "ilike":
		r.Passed = strings.Contains(strings.ToLower(input), strings.ToLower(reference))
	}
	if r.Passed {
		r.Score = 1
	}
	return r, nil
}

func (g *Grader) similar(ctx context.Context, v Values, similar Similarity) (r Result, err error) {
	input, reference, err := g.texts(v)
	if err != nil {
		return r, err
	}
	if similar == nil {
		return r, fmt.Errorf("%w: there is no %s here", ErrMeasure, g.Spec.Metric)
	}
	r.Score, r.Signature, err = similar(ctx, g.Spec.Metric, input, reference)
	if err != nil {
		return Result{}, fmt.Errorf("%w: %s: %w", ErrMeasure, g.Spec.Metric, err)
	}
	r.Passed = g.passes(r.Score, 0)
	return r, nil
}

// passes compares a score with pass_threshold, or with its default.
func (g *Grader) passes(score, otherwise float64) bool {
	if g.Spec.Pass != nil {
		otherwise = *g.Spec.Pass
	}
	return score >= otherwise
}

// bounds of a score.
func (g *Grader) bounds() (lo, hi float64) {
	if len(g.Spec.Range) == 2 {
		return g.Spec.Range[0], g.Spec.Range[1]
	}
	return 0, 1
}

// score asks a model for a number. Without a threshold the upper half passes.
func (g *Grader) score(ctx context.Context, v Values, judge Judge) (Result, error) {
	lo, hi := g.bounds()
	r, result, err := g.ask(ctx, v, judge, fmt.Sprintf(`{"type":"number","minimum":%s,"maximum":%s}`, number(lo), number(hi)))
	if err != nil {
		return r, err
	}
	x, err := strconv.ParseFloat(string(result), 64)
	if err != nil || math.IsNaN(x) {
		return r, fmt.Errorf("%w: its result is no number", ErrReply)
	}
	r.Score = min(max(x, lo), hi)
	r.Passed = g.passes(r.Score, lo+(hi-lo)/2)
	return r, nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func (g *Grader) label(ctx context.Context, v Values, judge Judge) (Result, error) {
	list, err := json.Marshal(g.Spec.Labels)
	if err != nil {
		return Result{}, err
	}
	r, result, err := g.ask(ctx, v, judge, `{"type":"string","enum":`+string(list)+`}`)
	if err != nil {
		return r, err
	}
	var label string
	if json.Unmarshal(result, &label) != nil || !slices.Contains(g.Spec.Labels, label) {
		return r, fmt.Errorf("%w: its result is none of the labels", ErrReply)
	}
	if r.Passed = slices.Contains(g.Spec.Passing, label); r.Passed {
		r.Score = 1
	}
	return r, nil
}

// replySchema is what a model that grades writes: first how it comes to its result,
// in few and short steps, since a small model does not end by itself.
const replySchema = `{"type":"object","properties":{"steps":{"type":"array","maxItems":4,"items":{"type":"object","properties":{"description":{"type":"string","maxLength":200},` +
	`"conclusion":{"type":"string","maxLength":200}},"required":["description","conclusion"],"additionalProperties":false}},"result":%s},"required":["steps","result"],"additionalProperties":false}`

// judgeTokens bounds the reply of a model that grades where nothing else does.
const judgeTokens = 512

// ask returns the result of the reply, as JSON.
func (g *Grader) ask(ctx context.Context, v Values, judge Judge, schema string) (r Result, result json.RawMessage, err error) {
	if r.Asked, err = render(g.messages, v); err != nil {
		return r, nil, err
	}
	q := Question{Model: g.Spec.Model, Messages: r.Asked, Format: serving.Format{Type: "json_schema", Schema: json.RawMessage(fmt.Sprintf(replySchema, schema))}}
	if g.Spec.Sampling != nil {
		q.Sampling = *g.Spec.Sampling
	}
	if q.Sampling.MaxTokens == 0 {
		q.Sampling.MaxTokens = judgeTokens
	}
	if q.Sampling.Temperature == nil {
		zero := float32(0) // the same answer gets the same grade
		q.Sampling.Temperature = &zero
	}
	if judge == nil {
		return r, nil, fmt.Errorf("%w: there are no models here", ErrJudge)
	}
	if r.Reply, err = judge.Ask(ctx, q); err != nil {
		return r, nil, fmt.Errorf("%w: %w", ErrJudge, err)
	}
	var reply struct{ Result json.RawMessage }
	if err := json.Unmarshal([]byte(r.Reply.Text), &reply); err != nil || len(reply.Result) == 0 {
		return r, nil, fmt.Errorf("%w: it is not {\"result\": …, \"steps\": […]}, and ended because of %s", ErrReply, r.Reply.Finish)
	}
	return r, reply.Result, nil
}

// combine grades with each grader and computes the formula. The first error in the
// order of the names is returned, after all have graded.
func (g *Grader) combine(ctx context.Context, v Values, judge Judge, similar Similarity) (r Result, err error) {
	r.Sub = map[string]Result{}
	vars := map[string]float64{}
	for _, name := range slices.Sorted(maps.Keys(g.inner)) {
		sub, failed := g.inner[name].Grade(ctx, v, judge, similar)
		if failed != nil && err == nil {
			err = fmt.Errorf("grader %s: %w", name, failed)
		}
		r.Sub[name], vars[name] = sub, sub.Score
	}
	if err != nil {
		return r, err
	}
	if r.Score, err = g.formula.Value(vars); err != nil {
		return r, fmt.Errorf("%w: %w", ErrFormula, err)
	}
	r.Passed = r.Score > 0
	return r, nil
}
