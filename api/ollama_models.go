package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	ollama "github.com/ollama/ollama/api"
	"github.com/ollama/ollama/types/model"

	"graft/adapters"
	"graft/serving"
)

// tags lists the models.
func (h ollamaHandler) tags(c *gin.Context) {
	models, answering, err := h.catalog(c)
	if err != nil {
		h.fail(c, err, "")
		return
	}
	out := ollama.ListResponse{Models: []ollama.ListModelResponse{}}
	list := func(m serving.Model) {
		out.Models = append(out.Models, ollama.ListModelResponse{
			Name: tagged(m.ID), Model: tagged(m.ID), ModifiedAt: m.Created.UTC(), Size: m.Bytes, Digest: m.Digest, Details: ollamaDetails(m),
		})
	}
	shadowed := func(m serving.Model) bool {
		return slices.ContainsFunc(answering, func(e adapters.Entry) bool { return e.Name == m.ID })
	}
	for _, m := range models {
		if !shadowed(m) {
			list(m)
		}
	}
	for _, e := range answering {
		list(asModel(e, models))
	}
	h.writeJSON(c, http.StatusOK, out)
}

// asModel is an adapter as a model of its own: its base, with its name, digest and size.
func asModel(e adapters.Entry, models []serving.Model) serving.Model {
	m := serving.Model{ID: e.Base}
	for _, base := range models {
		if base.ID == e.Base {
			m = base
		}
	}
	m.ID, m.Parent, m.Created, m.Bytes, m.Digest = e.Name, e.Base, e.Updated, e.Bytes, strings.TrimPrefix(e.Generation, "sha256:")
	if e.Settings.Template != "" {
		m.Template, m.Chat = e.Settings.Template, true
	}
	return m
}

// ps lists the models in memory.
func (h ollamaHandler) ps(c *gin.Context) {
	models, err := h.models.Models(c.Request.Context())
	if err != nil {
		h.fail(c, err, "")
		return
	}
	out := ollama.ProcessResponse{Models: []ollama.ProcessModelResponse{}}
	for _, m := range models {
		if !m.Loaded {
			continue
		}
		out.Models = append(out.Models, ollama.ProcessModelResponse{
			Name: tagged(m.ID), Model: tagged(m.ID), Size: m.Bytes, Digest: m.Digest, Details: ollamaDetails(m),
			ExpiresAt: h.Now().UTC().AddDate(1, 0, 0), ContextLength: m.Context, // models go by least use, not by the clock
		})
	}
	h.writeJSON(c, http.StatusOK, out)
}

// show describes one model.
func (h ollamaHandler) show(c *gin.Context) {
	var name string
	err := h.read(c, func(o *object) {
		o.string("name", &name)
		o.string("model", &name)
		o.accept("verbose", "system", "template", "options")
	})
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	m, settings, err := h.described(c, name)
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	out := ollama.ShowResponse{
		System: settings.System, Parameters: ollamaParameters(settings),
		License: m.License, Template: m.Template, Details: ollamaDetails(m), ModifiedAt: m.Created.UTC(),
		ModelInfo: map[string]any{
			"general.architecture":     m.Arch,
			"general.parameter_count":  m.Params,
			m.Arch + ".context_length": m.Context,
		},
		Capabilities: []model.Capability{model.CapabilityCompletion},
	}
	switch {
	case m.Embedder:
		out.Capabilities = []model.Capability{model.CapabilityEmbedding}
	case strings.Contains(m.Template, "tools"): // as Ollama decides
		out.Capabilities = append(out.Capabilities, model.CapabilityTools)
	}
	h.writeJSON(c, http.StatusOK, out)
}

// described finds a model or an adapter, with the settings of the latter.
func (h ollamaHandler) described(c *gin.Context, name string) (serving.Model, adapters.Settings, error) {
	ctx, x := c.Request.Context(), exchangeOf(c)
	x.model = name
	lease, err := h.named(ctx, x.key, name, true)
	if err != nil {
		return serving.Model{}, adapters.Settings{}, err
	}
	if lease == nil {
		m, err := h.resolve(c, name)
		return m, adapters.Settings{}, err
	}
	defer lease.Release()
	e, err := h.entryOf(ctx, lease)
	if err != nil {
		return serving.Model{}, adapters.Settings{}, err
	}
	models, err := h.models.Models(ctx)
	return asModel(e, models), e.Settings, err
}

// ollamaParameters are the defaults of an adapter as the lines of a Modelfile.
func ollamaParameters(s adapters.Settings) string {
	var lines []string
	add := func(name string, value any) { lines = append(lines, fmt.Sprintf("%-30s %v", name, value)) }
	if s.Temperature != nil {
		add("temperature", *s.Temperature)
	}
	if s.TopP != nil {
		add("top_p", *s.TopP)
	}
	if s.TopK != nil {
		add("top_k", *s.TopK)
	}
	if s.MinP != nil {
		add("min_p", *s.MinP)
	}
	if s.RepetitionPenalty != nil {
		add("repeat_penalty", *s.RepetitionPenalty)
	}
	if s.MaxTokens > 0 {
		add("num_predict", s.MaxTokens)
	}
	for _, stop := range s.Stop {
		add("stop", fmt.Sprintf("%q", stop))
	}
	return strings.Join(lines, "\n")
}

// version is graft's own.
func (h ollamaHandler) version(c *gin.Context) {
	h.writeJSON(c, http.StatusOK, map[string]string{"version": h.Version})
}

func tagged(id string) string {
	if strings.Contains(id, ":") {
		return id
	}
	return id + ":latest"
}

func ollamaDetails(m serving.Model) ollama.ModelDetails {
	return ollama.ModelDetails{
		ParentModel: m.Parent, Format: "gguf", Family: m.Arch, Families: []string{m.Arch},
		ParameterSize: parameterSize(m.Params), QuantizationLevel: m.Format,
	}
}

// parameterSize writes a number of weights as Ollama does: 134.52M, 1.2B.
func parameterSize(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1fB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.2fM", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.2fK", float64(n)/1e3)
	default:
		return fmt.Sprint(n)
	}
}

// embedMany makes vectors: /api/embed, of one or more inputs.
func (h ollamaHandler) embedMany(c *gin.Context) {
	req := serving.EmbedRequest{Truncate: true}
	dimensions := 0
	err := h.read(c, func(o *object) {
		bindOllamaEmbed(o, &req)
		o.bool("truncate", &req.Truncate)
		o.integer("dimensions", &dimensions, 0, maxInt32)
		o.require("input")
		if v, ok := o.value("input"); ok {
			for _, text := range v.strings(h.Options.MaxPrompts) {
				req.Inputs = append(req.Inputs, serving.EmbedInput{Text: text})
			}
		}
	})
	start := time.Now()
	out, err := h.vectors(c, &req, err)
	if err == nil {
		err = shorten(out.Vectors, dimensions)
	}
	if err != nil {
		h.fail(c, err, "input")
		return
	}
	h.writeJSON(c, http.StatusOK, ollama.EmbedResponse{
		Model: exchangeOf(c).model, Embeddings: append([][]float32{}, out.Vectors...), TotalDuration: time.Since(start), PromptEvalCount: out.Usage.Prompt,
	})
}

// embedOne makes one vector: /api/embeddings.
func (h ollamaHandler) embedOne(c *gin.Context) {
	req := serving.EmbedRequest{Truncate: true}
	var prompt string
	err := h.read(c, func(o *object) {
		bindOllamaEmbed(o, &req)
		o.require("prompt")
		o.string("prompt", &prompt)
	})
	req.Inputs = []serving.EmbedInput{{Text: prompt}}
	out, err := h.vectors(c, &req, err)
	if err != nil {
		h.fail(c, err, "prompt")
		return
	}
	reply := ollama.EmbeddingResponse{Embedding: []float64{}}
	for _, x := range out.Vectors[0] {
		reply.Embedding = append(reply.Embedding, float64(x))
	}
	h.writeJSON(c, http.StatusOK, reply)
}

func bindOllamaEmbed(o *object, req *serving.EmbedRequest) {
	o.model(&req.Model)
	o.accept("keep_alive", "options")
}

// vectors embeds unless err says that the request was wrong.
func (h ollamaHandler) vectors(c *gin.Context, req *serving.EmbedRequest, err error) (*serving.Embeddings, error) {
	if err != nil {
		return nil, err
	}
	exchangeOf(c).model = req.Model
	sel := selection{}
	defer sel.release()
	if err := h.choose(c.Request.Context(), exchangeOf(c).key, &choice{model: req.Model, rules: choiceRules{latest: true, plain: true}}, &sel); err != nil {
		return nil, err
	}
	if len(sel.used) > 0 {
		return nil, errEmbedAdapter
	}
	m, err := h.resolve(c, req.Model)
	if err != nil {
		return nil, err
	}
	req.Model = m.ID
	if len(req.Inputs) == 0 {
		return &serving.Embeddings{}, nil
	}
	out, err := h.embed.Embed(c.Request.Context(), req)
	if err != nil {
		return nil, err
	}
	x := exchangeOf(c)
	x.served, x.usage = m.ID, out.Usage
	return out, nil
}
