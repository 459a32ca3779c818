package api

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// poolingHandler is vLLM's /pooling for token embeddings: the hidden states of each
// token of a text, as an encoder has them. graft adds the tokens themselves and which
// of them only begin or end a text: BERTScore needs both.
type poolingHandler struct {
	*server
	backend serving.TokenEncoder // nil: a backend without
}

var errNoTokenStates = &Error{Status: 400, Type: invalidRequest, Code: "no_token_embeddings", Message: "The backend of this model does not give the hidden states of single tokens."}

// maxPooled bounds the texts of one request: their states are all in memory at once.
const maxPooled = 16

type pooling struct {
	ID     string         `json:"id"`
	Object string         `json:"object"`
	Model  string         `json:"model"`
	Layer  int            `json:"layer"`
	Data   []pooledText   `json:"data"`
	Usage  embeddingUsage `json:"usage"`
}

type pooledText struct {
	Object  string          `json:"object"`
	Index   int             `json:"index"`
	Data    json.RawMessage `json:"data"` // [T][D], or base64 of [T, D] float32, row-major
	IDs     []int32         `json:"token_ids"`
	Strings []string        `json:"token_strs"`
	Special []int           `json:"special_tokens_mask"` // 1: begins or ends a text
}

// create encodes one or more texts.
func (h poolingHandler) create(c *gin.Context) {
	req := serving.TokenStatesRequest{}
	encoding, task, cut := "float", "token_embed", 0
	var sel selection
	chosen := serving.Request{}
	defer h.ended(c, &sel)
	err := h.readChoosing(c, &sel, &chosen, choiceRules{plain: true, free: true}, func(o *object) {
		if req.Model = chosen.Model; len(sel.used) > 0 {
			o.d.fail(errEmbedAdapter)
		}
		o.require("input")
		if v, ok := o.value("input"); ok {
			for _, p := range prompts(v, min(maxPooled, h.Options.MaxPrompts)) {
				if p.ids != nil {
					v.d.fail(invalid(v.path, "invalid_type", "Invalid '%s': token ids are not taken here, only texts.", v.path))
				}
				req.Texts = append(req.Texts, p.text)
			}
		}
		o.enum("task", &task, "token_embed")
		o.enum("encoding_format", &encoding, "float", "base64")
		o.integer("layer", &req.Layer, 1, maxInt32)
		o.integer("truncate_prompt_tokens", &cut, -1, -1) // to the context
		req.Truncate = cut < 0
		o.accept("user")
	})
	if err == nil && h.backend == nil {
		err = errNoTokenStates
	}
	if err != nil {
		h.fail(c, err, "input")
		return
	}
	x := exchangeOf(c)
	out, err := h.backend.EncodeTokens(c.Request.Context(), &req)
	if err != nil {
		h.fail(c, err, "input")
		return
	}
	x.served, x.usage = req.Model, out.Usage
	list := pooling{ID: h.ID("pool-"), Object: "list", Model: req.Model, Layer: out.Layer, Data: []pooledText{}, Usage: embeddingUsage{out.Usage.Prompt, out.Usage.Prompt}}
	for i, t := range out.Texts {
		p := pooledText{"pooling", i, encodeRows(t.Vectors, encoding), t.IDs, t.Strings, make([]int, len(t.Special))}
		for k, special := range t.Special {
			if special {
				p.Special[k] = 1
			}
		}
		list.Data = append(list.Data, p)
	}
	h.writeJSON(c, http.StatusOK, list)
}

// encodeRows is an array of arrays, or a string of base64 over little-endian float32.
func encodeRows(rows [][]float32, encoding string) []byte {
	if encoding == "base64" {
		var raw []byte
		for _, v := range rows {
			for _, x := range v {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
			}
		}
		return append(base64.StdEncoding.AppendEncode([]byte{'"'}, raw), '"')
	}
	b := []byte{'['}
	for i, v := range rows {
		b = append(separate(b, i), encodeVector(v, encoding)...)
	}
	return append(b, ']')
}
