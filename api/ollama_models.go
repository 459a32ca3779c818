package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	ollama "github.com/ollama/ollama/api"
	"github.com/ollama/ollama/types/model"

	"graft/serving"
)

// tags lists the models.
func (h ollamaHandler) tags(c *gin.Context) {
	models, err := h.models.Models(c.Request.Context())
	if err != nil {
		h.fail(c, err, "")
		return
	}
	out := ollama.ListResponse{Models: []ollama.ListModelResponse{}}
	for _, m := range models {
		out.Models = append(out.Models, ollama.ListModelResponse{
			Name: tagged(m.ID), Model: tagged(m.ID), ModifiedAt: m.Created.UTC(), Size: m.Bytes, Digest: m.Digest, Details: ollamaDetails(m),
		})
	}
	h.writeJSON(c, http.StatusOK, out)
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
	m, err := h.resolve(c, name)
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	out := ollama.ShowResponse{
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
