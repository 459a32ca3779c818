// Package ollama answers requests by asking Ollama, or a server that speaks its
// API.
package ollama

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ollama/ollama/api"

	"graft/serving"
)

var _ serving.Backend = (*Backend)(nil)

// Options say where Ollama is.
type Options struct {
	BaseURL string       // "http://127.0.0.1:11434"
	Models  []string     // what is served, the default first; empty: all that Ollama has
	HTTP    *http.Client // nil: one without a time-out; requests end by their own
}

// Backend is Ollama as a serving.Backend.
type Backend struct {
	opts   Options
	client *api.Client
}

// New makes a backend; it asks nothing yet.
func New(o Options) (*Backend, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("address of Ollama: want http://HOST:PORT, have %q", o.BaseURL)
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	return &Backend{opts: o, client: api.NewClient(base, o.HTTP)}, nil
}

// Models lists what Ollama has, as far as it is served. Ollama lists all kinds of
// models alike: whether one chats shows when it is asked.
func (b *Backend) Models(ctx context.Context) ([]serving.Model, error) {
	list, err := b.client.List(ctx)
	if err != nil {
		return nil, translate(ctx, err)
	}
	var out []serving.Model
	add := func(id string, m *api.ListModelResponse) {
		out = append(out, serving.Model{
			ID: id, Created: m.ModifiedAt, OwnedBy: "ollama", Chat: true, Arch: m.Details.Family,
			Format: m.Details.QuantizationLevel, Bytes: m.Size, Digest: m.Digest,
		})
	}
	if len(b.opts.Models) == 0 {
		for i := range list.Models {
			add(list.Models[i].Name, &list.Models[i])
		}
		return out, nil
	}
	for _, id := range b.opts.Models {
		for i := range list.Models {
			if sameModel(list.Models[i].Name, id) {
				add(id, &list.Models[i])
			}
		}
	}
	return out, nil
}

// sameModel: a name without a tag has the tag latest.
func sameModel(a, b string) bool {
	return strings.TrimSuffix(a, ":latest") == strings.TrimSuffix(b, ":latest")
}

// model is the name to ask for; "" is the default.
func (b *Backend) model(ctx context.Context, id string) (string, error) {
	if id != "" {
		for _, m := range b.opts.Models {
			if sameModel(m, id) {
				return id, nil
			}
		}
		if len(b.opts.Models) > 0 {
			return "", fmt.Errorf("%w: %q is not one of %s", serving.ErrModelNotFound, id, strings.Join(b.opts.Models, ", "))
		}
		return id, nil
	}
	if len(b.opts.Models) > 0 {
		return b.opts.Models[0], nil
	}
	all, err := b.Models(ctx)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", fmt.Errorf("%w: Ollama has none; pull one first", serving.ErrModelNotFound)
	}
	return all[0].ID, nil
}

// Generate asks for a stream of chat or, for plain prompts, of raw generation.
// Ollama gives one answer at a time, so several are asked for in turn.
func (b *Backend) Generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	if !req.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, req.Deadline, serving.ErrDeadline)
		defer cancel()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
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
	if err := check(req); err != nil {
		return nil, err
	}
	g := &generation{Backend: b, ctx: ctx, req: req, id: id, begin: time.Now(), emit: emit}
	for g.index = range max(req.N, 1) {
		g.ended, g.called = false, false
		if req.Messages != nil {
			err = g.chat()
		} else {
			err = g.complete()
		}
		if err != nil {
			return nil, err
		}
		if !g.ended && ctx.Err() != nil {
			return nil, context.Cause(ctx) // its client takes a body cut short for a whole one
		}
		if !g.ended {
			return nil, fmt.Errorf("ollama broke off answer %d", g.index)
		}
	}
	return &g.result, nil
}

// Embed asks for vectors of texts.
func (b *Backend) Embed(ctx context.Context, req *serving.EmbedRequest) (*serving.Embeddings, error) {
	id, err := b.model(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(req.Inputs))
	for i, in := range req.Inputs {
		if in.IDs != nil {
			return nil, unsupported("input", "token ids")
		}
		texts[i] = in.Text
	}
	if len(texts) == 0 {
		return &serving.Embeddings{}, nil
	}
	got, err := b.client.Embed(ctx, &api.EmbedRequest{Model: id, Input: texts, Truncate: &req.Truncate})
	if err != nil {
		return nil, translate(ctx, err)
	}
	if len(got.Embeddings) != len(texts) {
		return nil, fmt.Errorf("ollama sent %d vectors for %d inputs", len(got.Embeddings), len(texts))
	}
	for _, v := range got.Embeddings {
		unit(v)
	}
	return &serving.Embeddings{Vectors: got.Embeddings, Usage: serving.Usage{Prompt: got.PromptEvalCount}}, nil
}

// unit scales v to length 1.
func unit(v []float32) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
}
