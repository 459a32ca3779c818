package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"graft/evalharness/evals"
	"graft/evalharness/graders"
	"graft/internal/chat"
	"graft/serving"
)

// evalModels answers eval runs in the name of the key that made them: what it may
// not ask for itself does not exist for its runs, and its rate limits are theirs.
type evalModels struct{ *server }

// evalTimeout bounds one answer of a run where requests have no deadline.
const evalTimeout = 30 * time.Minute

// defaultSeed is OpenAI's for sampling_params.
const defaultSeed = 42

func keyOf(c evals.Client) KeyInfo { return KeyInfo{ID: c.ID, Name: c.Name, Admin: c.Admin} }

// chosen is what a model's name stands for; the caller releases it. What POST
// /lora-adapters turned on does not count: it may change while a run goes on.
func (m evalModels) chosen(ctx context.Context, client evals.Client, model string, sel *selection) error {
	return m.choose(ctx, keyOf(client), &choice{model: model, rules: choiceRules{plain: true}}, sel)
}

// Pin is name@generation for an adapter, and the name of a base model.
func (m evalModels) Pin(ctx context.Context, client evals.Client, model string) (string, error) {
	var sel selection
	defer func() { sel.release() }()
	if err := m.chosen(ctx, client, model, &sel); err != nil {
		return "", err
	}
	if len(sel.used) == 1 {
		u := sel.used[0]
		if u.Name == "" {
			return "", fmt.Errorf("adapter %s: %w", u.Generation, serving.ErrModelNotFound)
		}
		return u.Name + "@" + u.Generation, nil
	}
	found, err := findModel(ctx, m.models, sel.base)
	return found.ID, err
}

// Ask asks a model.
func (m evalModels) Ask(ctx context.Context, client evals.Client, q graders.Question) (*graders.Answer, error) {
	var sel selection
	defer func() { sel.release() }()
	if err := m.chosen(ctx, client, q.Model, &sel); err != nil {
		return nil, fromRequest(err)
	}
	seed := int64(defaultSeed)
	r := &serving.Request{Client: client.ID, Owner: client.ID, Sampling: serving.DefaultSampling(), N: 1, Logprobs: -1, PromptLogprobs: -1, Messages: q.Messages,
		Format: q.Format, Tools: q.Tools, ToolChoice: serving.ToolChoice{Mode: "none"}, ParallelTools: true, Deadline: time.Now().Add(evalTimeout)}
	if t := m.Options.RequestTimeout; t > 0 {
		r.Deadline = time.Now().Add(t)
	}
	if len(r.Tools) > 0 {
		r.ToolChoice.Mode = "auto"
	}
	sel.apply(r)
	set(&r.Sampling.Temperature, q.Sampling.Temperature)
	set(&r.Sampling.TopP, q.Sampling.TopP)
	set(&seed, q.Sampling.Seed)
	r.Sampling.Seed = &seed
	if q.Sampling.MaxTokens > 0 {
		r.MaxTokens = q.Sampling.MaxTokens
	}
	r.Stop = append(r.Stop, sel.stops()...)
	if err := sel.template(r); err != nil {
		return nil, fromRequest(err)
	}
	r.Messages = sel.withSystem(r.Messages)
	if _, refused := m.take(client.ID, &sel); refused != nil {
		return nil, fmt.Errorf("%s: %w", refused.Message, serving.ErrOverloaded)
	}
	var got answer
	res, err := m.Backend.Generate(ctx, r, func(e serving.Event) error {
		got.add(e)
		return nil
	})
	if err != nil {
		m.spend(client.ID, &sel, 0)
		return nil, err
	}
	m.spend(client.ID, &sel, costOf(res.Usage))
	a := &graders.Answer{Text: string(got.text), Finish: got.finish, Usage: res.Usage, Model: sel.asked,
		Temperature: r.Sampling.Temperature, TopP: r.Sampling.TopP, Seed: seed, MaxTokens: max(r.MaxTokens, 0)}
	for _, call := range got.calls {
		a.ToolCalls = append(a.ToolCalls, chat.ToolCall{ID: call.ID, Name: call.Name, Arguments: call.Arguments})
	}
	return a, nil
}

// fromRequest says in the words of serving what a client's own request would be told:
// a run knows these only.
func fromRequest(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	as := serving.ErrUnsupported
	if e.Status == http.StatusNotFound {
		as = serving.ErrModelNotFound
	}
	return fmt.Errorf("%s: %w", e.Message, as)
}

// Embed embeds with the first model that does.
func (m evalModels) Embed(ctx context.Context, _ evals.Client, texts []string) ([][]float32, string, error) {
	model, err := m.embedder(ctx)
	if err != nil {
		return nil, "", err
	}
	r := &serving.EmbedRequest{Model: model, Truncate: true}
	for _, text := range texts {
		r.Inputs = append(r.Inputs, serving.EmbedInput{Text: text})
	}
	e, err := m.Backend.Embed(ctx, r)
	if err != nil {
		return nil, "", err
	}
	return e.Vectors, model, nil
}

// Encode encodes with the same.
func (m evalModels) Encode(ctx context.Context, _ evals.Client, texts []string) (*serving.TokenStates, string, error) {
	encoder, ok := m.Backend.(serving.TokenEncoder)
	if !ok {
		return nil, "", evals.ErrNoEmbedder
	}
	model, err := m.embedder(ctx)
	if err != nil {
		return nil, "", err
	}
	states, err := encoder.EncodeTokens(ctx, &serving.TokenStatesRequest{Model: model, Texts: texts, Truncate: true})
	return states, model, err
}

// embedder is the first model of embeddings.
func (m evalModels) embedder(ctx context.Context) (string, error) {
	models, err := m.models.Models(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(models, func(m serving.Model) bool { return m.Embedder })
	if i < 0 {
		return "", evals.ErrNoEmbedder
	}
	return models[i].ID, nil
}

// samplingParams reads the sampling_params of a data source or of a grader: the
// latter spells the limit max_completions_tokens, and both spellings are taken.
func samplingParams(o *object, p *graders.Sampling) {
	optional(o, "temperature", &p.Temperature, func(v value) float32 { return float32(v.number(0, 2)) })
	optional(o, "top_p", &p.TopP, func(v value) float32 { return float32(v.number(0, 1)) })
	optional(o, "seed", &p.Seed, func(v value) int64 { return v.integer(math.MinInt64, math.MaxInt64) })
	given := o.integer("max_completion_tokens", &p.MaxTokens, 1, maxInt32)
	if o.integer("max_completions_tokens", &p.MaxTokens, 1, maxInt32) && given && o.d.err == nil {
		o.d.fail(invalid(join(o.path, "max_completions_tokens"), "invalid_parameter_combination", "Setting 'max_completion_tokens' and 'max_completions_tokens' at the same time is not supported."))
	}
	o.refuse("reasoning_effort", "set what the model's chat template knows in its adapter's settings")
}

// evalError says what a run's or grader's model error means for a request.
func evalError(err error, param string) error {
	var bad *evals.InvalidError
	var grader *graders.InvalidError
	switch {
	case errors.As(err, &bad):
		return invalid(bad.Param, "invalid_value", "Invalid '%s': %s.", bad.Param, bad.Message)
	case errors.As(err, &grader):
		path := join(param, grader.Param)
		return invalid(path, "invalid_value", "Invalid '%s': %s.", path, grader.Message)
	}
	return err
}
