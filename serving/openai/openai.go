// Package openai answers requests by asking an OpenAI endpoint over HTTP: vLLM,
// llama-server, OpenAI itself, or another graft.
package openai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	api "github.com/sashabaranov/go-openai"

	"graft/serving"
)

var _ serving.Backend = (*Backend)(nil)

// Options say where the endpoint is and what it knows.
type Options struct {
	BaseURL string // up to and with /v1
	Key     string // sent as bearer token; empty: none
	// Models are the ids that are served, the default first; empty: all that the
	// endpoint lists.
	Models []string
	// Extensions says that the endpoint takes vLLM's fields beyond OpenAI's: top_k,
	// min_p, repetition_penalty, stop_token_ids, ignore_eos, structured_outputs and
	// chat_template_kwargs. Without it, requests that need them are refused.
	Extensions bool
	HTTP       *http.Client // nil: one without a time-out; requests end by their own
}

// Backend is an OpenAI endpoint as a serving.Backend.
type Backend struct {
	opts   Options
	client *api.Client
}

// New makes a backend; it asks the endpoint nothing yet.
func New(o Options) *Backend {
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	c := api.DefaultConfig(o.Key)
	c.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	c.HTTPClient = extender{o.HTTP}
	c.EmptyMessagesLimit = math.MaxInt32 // comments that keep a stream alive are no errors
	return &Backend{opts: o, client: api.NewClientWithConfig(c)}
}

// Models lists what the endpoint has, as far as it is served.
func (b *Backend) Models(ctx context.Context) ([]serving.Model, error) {
	list, err := b.client.ListModels(ctx)
	if err != nil {
		return nil, translate(ctx, "", err)
	}
	byID := map[string]serving.Model{}
	var out []serving.Model
	for _, m := range list.Models {
		model := serving.Model{ID: m.ID, OwnedBy: m.OwnedBy, Parent: m.Parent, Loaded: true, Chat: true}
		if m.CreatedAt > 0 {
			model.Created = time.Unix(m.CreatedAt, 0).UTC()
		}
		byID[m.ID] = model
		out = append(out, model)
	}
	if len(b.opts.Models) == 0 {
		return out, nil
	}
	out = nil
	for _, id := range b.opts.Models {
		if m, ok := byID[id]; ok {
			out = append(out, m)
		}
	}
	return out, nil
}

// model is the id to ask the endpoint for; "" is the default.
func (b *Backend) model(ctx context.Context, id string) (string, error) {
	switch {
	case id == "" && len(b.opts.Models) > 0:
		return b.opts.Models[0], nil
	case id != "" && len(b.opts.Models) > 0:
		for _, m := range b.opts.Models {
			if m == id {
				return id, nil
			}
		}
		return "", fmt.Errorf("%w: %q is not one of %s", serving.ErrModelNotFound, id, strings.Join(b.opts.Models, ", "))
	case id == "":
		all, err := b.Models(ctx)
		if err != nil {
			return "", err
		}
		if len(all) == 0 {
			return "", fmt.Errorf("%w: the endpoint has none", serving.ErrModelNotFound)
		}
		return all[0].ID, nil
	}
	return id, nil
}

// Generate asks the endpoint for a stream of chat or completions.
func (b *Backend) Generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	if !req.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, req.Deadline, serving.ErrDeadline)
		defer cancel()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithCancel(ctx) // also of the connection, when emit fails
	defer cancel()
	if len(req.Adapters) > 0 {
		return nil, &serving.ParamError{Param: "adapters", Message: "adapters of another server are chosen by its model names"}
	}
	if req.Template != "" {
		return nil, &serving.ParamError{Param: "chat_template", Message: "another server uses its own chat templates"}
	}
	id, err := b.model(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	extra, err := b.extras(req)
	if err != nil {
		return nil, err
	}
	g := &generation{Backend: b, req: req, id: id, begin: time.Now(), emit: emit}
	var after time.Duration
	g.ctx = context.WithValue(context.WithValue(ctx, extrasKey{}, extra), laterKey{}, &after)
	switch {
	case req.Messages != nil:
		err = g.chat()
	case req.Echo || req.PromptLogprobs >= 0 || req.MaxTokens < 0:
		err = g.score(extra)
	default:
		err = g.complete()
	}
	if err != nil {
		return nil, later(after, err)
	}
	g.result.FirstToken = g.first
	return &g.result, nil
}

// generation is one request in progress.
type generation struct {
	*Backend
	ctx    context.Context
	req    *serving.Request
	id     string
	begin  time.Time
	first  time.Duration
	emit   func(serving.Event) error
	ended  []bool // by answer
	result serving.Result
}

// send emits an event, unless it says nothing.
func (g *generation) send(e serving.Event) error {
	if e.Text == "" && e.Reasoning == "" && len(e.Tokens) == 0 && len(e.ToolCalls) == 0 && e.Finish == "" {
		return nil
	}
	for len(g.ended) <= e.Index {
		g.ended = append(g.ended, false)
	}
	if g.ended[e.Index] {
		return nil // some endpoints send an empty chunk behind the last
	}
	g.ended[e.Index] = e.Finish != ""
	if g.first == 0 {
		g.first = time.Since(g.begin)
	}
	return g.emit(e)
}

// whole checks that every answer came to its end.
func (g *generation) whole() error {
	for i := range max(g.req.N, 1) {
		if i >= len(g.ended) || !g.ended[i] {
			return fmt.Errorf("the endpoint broke off answer %d", i)
		}
	}
	return nil
}

func (g *generation) usage(u *api.Usage) {
	if u == nil {
		return
	}
	g.result.Usage = serving.Usage{Prompt: u.PromptTokens, Completion: u.CompletionTokens}
	if d := u.PromptTokensDetails; d != nil {
		g.result.Usage.Cached = d.CachedTokens
	}
	if d := u.CompletionTokensDetails; d != nil {
		g.result.Usage.Reasoning = d.ReasoningTokens
	}
}

func finishOf(reason string) serving.FinishReason {
	switch reason {
	case "":
		return ""
	case "length":
		return serving.FinishLength
	case "tool_calls", "function_call":
		return serving.FinishToolCalls
	}
	return serving.FinishStop
}

// Embed asks the endpoint for vectors.
func (b *Backend) Embed(ctx context.Context, req *serving.EmbedRequest) (*serving.Embeddings, error) {
	id, err := b.model(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	if len(req.Inputs) == 0 {
		return &serving.Embeddings{}, nil
	}
	var texts []string
	var ids [][]int32
	for _, in := range req.Inputs {
		if in.IDs != nil {
			ids = append(ids, in.IDs)
		} else {
			texts = append(texts, in.Text)
		}
	}
	ask := api.EmbeddingRequest{Model: api.EmbeddingModel(id), EncodingFormat: api.EmbeddingEncodingFormatFloat, Input: texts}
	if len(ids) > 0 {
		if len(texts) > 0 {
			return nil, &serving.ParamError{Param: "input", Message: "this backend takes texts or token ids, not both in one request"}
		}
		ask.Input = ids
	}
	if req.Truncate {
		if !b.opts.Extensions {
			return nil, unsupported("truncate", "truncation")
		}
		ctx = context.WithValue(ctx, extrasKey{}, map[string]any{"truncate_prompt_tokens": -1})
	}
	got, err := b.client.CreateEmbeddings(ctx, ask)
	if err != nil {
		return nil, translate(ctx, id, err)
	}
	out := &serving.Embeddings{Vectors: make([][]float32, len(req.Inputs)), Usage: serving.Usage{Prompt: got.Usage.PromptTokens}}
	for _, e := range got.Data {
		if e.Index < 0 || e.Index >= len(out.Vectors) {
			return nil, fmt.Errorf("the endpoint sent vector %d of %d", e.Index, len(out.Vectors))
		}
		out.Vectors[e.Index] = unit(e.Embedding)
	}
	for i, v := range out.Vectors {
		if v == nil {
			return nil, fmt.Errorf("the endpoint sent no vector for input %d", i)
		}
	}
	return out, nil
}

// unit scales v to length 1.
func unit(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return v
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
	return v
}

var errEmpty = errors.New("the endpoint sent an answer without choices")
