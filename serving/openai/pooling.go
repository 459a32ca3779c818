package openai

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"

	api "github.com/sashabaranov/go-openai"

	"graft/serving"
)

var _ serving.TokenEncoder = (*Backend)(nil)

// maxPooling bounds an answer of /pooling, in bytes.
const maxPooling = 1 << 30

// pooled is graft's answer to POST /pooling.
type pooled struct {
	Data []struct {
		Index   int      `json:"index"`
		Data    string   `json:"data"` // base64 of little-endian float32, [T, D] row-major
		IDs     []int32  `json:"token_ids"`
		Strings []string `json:"token_strs"`
		Special []int    `json:"special_tokens_mask"`
	} `json:"data"`
	Layer int `json:"layer"`
	Usage struct {
		Prompt int `json:"prompt_tokens"`
	} `json:"usage"`
}

// maxTexts is how many texts graft's route takes at once.
const maxTexts = 16

// EncodeTokens asks another graft, at vLLM's route for token embeddings. Other
// endpoints do not tell the tokens, and are refused.
func (b *Backend) EncodeTokens(ctx context.Context, req *serving.TokenStatesRequest) (*serving.TokenStates, error) {
	out := &serving.TokenStates{Layer: req.Layer}
	for texts := range slices.Chunk(req.Texts, maxTexts) {
		part := *req
		part.Texts = texts
		got, err := b.encodeSome(ctx, &part)
		if err != nil {
			return nil, err
		}
		out.Texts, out.Layer = append(out.Texts, got.Texts...), got.Layer
		out.Usage.Prompt += got.Usage.Prompt
	}
	return out, nil
}

func (b *Backend) encodeSome(ctx context.Context, req *serving.TokenStatesRequest) (*serving.TokenStates, error) {
	if !b.opts.Extensions {
		return nil, unsupported("model", "hidden states of single tokens")
	}
	id, err := b.model(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"model": id, "input": req.Texts, "task": "token_embed", "encoding_format": "base64"}
	if req.Layer > 0 {
		body["layer"] = req.Layer
	}
	if req.Truncate {
		body["truncate_prompt_tokens"] = -1
	}
	var got pooled
	if err := b.post(ctx, id, "/pooling", body, &got); err != nil {
		return nil, err
	}
	out := &serving.TokenStates{Texts: make([]serving.TextStates, len(req.Texts)), Layer: got.Layer, Usage: serving.Usage{Prompt: got.Usage.Prompt}}
	for _, d := range got.Data {
		if d.Index < 0 || d.Index >= len(out.Texts) {
			return nil, fmt.Errorf("the endpoint sent the states of text %d of %d", d.Index, len(out.Texts))
		}
		if len(d.IDs) == 0 || len(d.Special) != len(d.IDs) || len(d.Strings) != len(d.IDs) {
			return nil, fmt.Errorf("the endpoint sent %d tokens, %d of them as text, and %d marks", len(d.IDs), len(d.Strings), len(d.Special))
		}
		s := serving.TextStates{IDs: d.IDs, Strings: d.Strings}
		if s.Vectors, err = rows(d.Data, len(d.IDs)); err != nil {
			return nil, err
		}
		for _, mark := range d.Special {
			s.Special = append(s.Special, mark != 0)
		}
		out.Texts[d.Index] = s
	}
	for i := range out.Texts {
		if out.Texts[i].IDs == nil {
			return nil, fmt.Errorf("the endpoint sent no states of text %d", i)
		}
	}
	return out, nil
}

// rows reads n vectors of one width.
func rows(text string, n int) ([][]float32, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the states that the endpoint sent: %w", err)
	}
	if len(raw) == 0 || len(raw)%(4*n) != 0 {
		return nil, fmt.Errorf("the endpoint sent %d bytes of states for %d tokens", len(raw), n)
	}
	width := len(raw) / 4 / n
	all := make([]float32, n*width)
	for i := range all {
		all[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	out := make([][]float32, n)
	for i := range out {
		out[i] = all[i*width : (i+1)*width : (i+1)*width]
	}
	return out, nil
}

// post asks a route that is beside /v1, not under it.
func (b *Backend) post(ctx context.Context, model, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	url := strings.TrimSuffix(strings.TrimSuffix(b.opts.BaseURL, "/"), "/v1") + path
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if b.opts.Key != "" {
		req.Header.Set("Authorization", "Bearer "+b.opts.Key)
	}
	resp, err := b.opts.HTTP.Do(req)
	if err != nil {
		return translate(ctx, model, err)
	}
	defer resp.Body.Close()
	answer := io.LimitReader(resp.Body, maxPooling)
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(answer).Decode(into); err != nil {
			return translate(ctx, model, fmt.Errorf("%s: %w", path, err))
		}
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(answer, 1<<16))
	if err != nil {
		return translate(ctx, model, err)
	}
	var e api.ErrorResponse
	if json.Unmarshal(text, &e) != nil || e.Error == nil {
		return translate(ctx, model, &api.RequestError{HTTPStatus: resp.Status, HTTPStatusCode: resp.StatusCode, Body: text})
	}
	e.Error.HTTPStatus, e.Error.HTTPStatusCode = resp.Status, resp.StatusCode
	return translate(ctx, model, e.Error)
}
