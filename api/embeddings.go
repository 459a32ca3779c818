package api

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// embedder is what the embedding routes need.
type embedder interface {
	Embed(ctx context.Context, req *serving.EmbedRequest) (*serving.Embeddings, error)
}

// embeddingsHandler is /v1/embeddings.
type embeddingsHandler struct {
	*server
	backend embedder
}

type embeddingList struct {
	Object string         `json:"object"`
	Data   []embedding    `json:"data"`
	Model  string         `json:"model"`
	Usage  embeddingUsage `json:"usage"`
}

type embedding struct {
	Object    string          `json:"object"`
	Index     int             `json:"index"`
	Embedding json.RawMessage `json:"embedding"`
}

type embeddingUsage struct {
	PromptTokens int `json:"prompt_tokens"`
	TotalTokens  int `json:"total_tokens"`
}

// errEmbedAdapter: adapters change how a model writes; embedding models have none.
var errEmbedAdapter = invalid("model", "unsupported_value", "Unsupported value for 'model': adapters make no embeddings; ask an embedding model.")

// create embeds one or more inputs.
func (h embeddingsHandler) create(c *gin.Context) {
	req := serving.EmbedRequest{}
	encoding, dimensions := "float", 0
	var sel selection
	chosen := serving.Request{}
	defer h.ended(c, &sel)
	err := h.readChoosing(c, &sel, &chosen, choiceRules{plain: true, free: true}, func(o *object) {
		if req.Model = chosen.Model; len(sel.used) > 0 {
			o.d.fail(errEmbedAdapter)
		}
		o.require("input")
		if v, ok := o.value("input"); ok {
			req.Inputs = embedInputs(v, h.Options.MaxPrompts)
		}
		o.enum("encoding_format", &encoding, "float", "base64")
		o.integer("dimensions", &dimensions, 1, maxInt32)
		o.accept("user")
	})
	if err != nil {
		h.fail(c, err, "input")
		return
	}
	x := exchangeOf(c)
	out, err := h.backend.Embed(c.Request.Context(), &req)
	if err == nil {
		err = shorten(out.Vectors, dimensions)
	}
	if err != nil {
		h.fail(c, err, "input")
		return
	}
	x.served, x.usage = req.Model, out.Usage
	list := embeddingList{Object: "list", Data: []embedding{}, Model: req.Model, Usage: embeddingUsage{out.Usage.Prompt, out.Usage.Prompt}}
	for i, v := range out.Vectors {
		list.Data = append(list.Data, embedding{"embedding", i, encodeVector(v, encoding)})
	}
	h.writeJSON(c, http.StatusOK, list)
}

func embedInputs(v value, limit int) (inputs []serving.EmbedInput) {
	for i, p := range prompts(v, limit) {
		if p.text == "" && p.ids == nil {
			path := v.path
			if v.kind() == "array" {
				path = fmt.Sprintf("%s[%d]", path, i)
			}
			v.d.fail(invalid(path, "invalid_value", "Invalid '%s': input cannot be an empty string.", path))
		}
		inputs = append(inputs, serving.EmbedInput{Text: p.text, IDs: p.ids})
	}
	return inputs
}

// shorten keeps the first dimensions of each vector and makes it of length 1
// again, as models trained for it (Matryoshka) allow; 0 keeps all.
func shorten(vectors [][]float32, dimensions int) error {
	for i, v := range vectors {
		if dimensions == 0 || dimensions == len(v) {
			continue
		}
		if dimensions > len(v) {
			return invalid("dimensions", "invalid_value", "Invalid 'dimensions': this model's embeddings have %d dimensions, but %d were asked for.", len(v), dimensions)
		}
		v = append([]float32(nil), v[:dimensions]...)
		sum := 0.0
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		if norm := math.Sqrt(sum); norm > 0 {
			for j := range v {
				v[j] = float32(float64(v[j]) / norm)
			}
		}
		vectors[i] = v
	}
	return nil
}

// encodeVector is a JSON array, or a string of base64 over little-endian float32.
func encodeVector(v []float32, encoding string) []byte {
	if encoding == "base64" {
		raw := make([]byte, 0, 4*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		b := append(make([]byte, 0, 2+base64.StdEncoding.EncodedLen(len(raw))), '"')
		return append(base64.StdEncoding.AppendEncode(b, raw), '"')
	}
	b := append(make([]byte, 0, 12*len(v)), '[')
	for i, x := range v {
		b = strconv.AppendFloat(separate(b, i), float64(x), 'g', -1, 32)
	}
	return append(b, ']')
}
