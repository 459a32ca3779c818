package evalharness

import (
	"context"
	"math"
	"strings"

	"graft/serving"
)

// keep gives a backend the run's journal: what it was asked it is not asked again. The
// answers have no alternatives, and come in one piece.
func (r *run) keep(b serving.Backend) serving.Backend {
	return &keeper{Backend: b, asker: r.asker, endpoint: r.base, generation: r.generation}
}

type keeper struct {
	serving.Backend
	asker      *asker
	endpoint   *Endpoint // whose backend it is
	generation string
}

// Generate asks, or recalls. What it recalls has the text, its end and the
// log-probabilities of the prompt's tokens.
func (k *keeper) Generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	key := hashOf([]any{"kept", k.endpoint.Identity, k.generation, req.Model, req.Prompt, req.PromptIDs, req.Messages, req.MaxTokens, req.Sampling, req.Stop, req.Format, req.Logprobs, req.PromptLogprobs})
	if e, ok := k.asker.journal.get(key); ok {
		res := &serving.Result{Usage: serving.Usage{Prompt: e.Prompt, Completion: e.Tokens}}
		for _, l := range e.Logs {
			res.Prompt = append(res.Prompt, serving.TokenLogprob{Logprob: l})
		}
		return res, emit(serving.Event{Text: e.Output, Finish: serving.FinishReason(e.Finish)})
	}
	e := entry{Key: key}
	var text strings.Builder
	var res *serving.Result
	err := k.asker.try(ctx, k.endpoint, func() (err error) {
		text.Reset()
		res, err = k.Backend.Generate(ctx, req, func(ev serving.Event) error {
			text.WriteString(ev.Text)
			if ev.Finish != "" {
				e.Finish = string(ev.Finish)
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	e.Output, e.Prompt, e.Tokens = text.String(), res.Usage.Prompt, res.Usage.Completion
	for _, t := range res.Prompt {
		if math.IsInf(t.Logprob, 0) || math.IsNaN(t.Logprob) { // JSON has no word for it
			return res, emit(serving.Event{Text: e.Output, Finish: serving.FinishReason(e.Finish)})
		}
		e.Logs = append(e.Logs, t.Logprob)
	}
	if err := k.asker.journal.write(e, false); err != nil {
		return nil, err
	}
	return res, emit(serving.Event{Text: e.Output, Finish: serving.FinishReason(e.Finish)})
}
