package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"graft/serving"
)

// extras are the fields that go-openai has no place for, or leaves out when they
// are 0: the extender adds them to the request's body.
func (b *Backend) extras(r *serving.Request) (map[string]any, error) {
	s := &r.Sampling
	out := map[string]any{"temperature": s.Temperature}
	if len(s.LogitBias) > 0 {
		out["logit_bias"] = s.LogitBias // go-openai knows whole numbers only
	}
	if r.PromptIDs != nil {
		out["prompt"] = r.PromptIDs // go-openai knows text only
	}
	if r.Messages == nil && r.Logprobs >= 0 {
		out["logprobs"] = r.Logprobs
	}
	if b.opts.Extensions && r.Messages != nil && r.MaxTokens > 0 {
		out["max_tokens"] = r.MaxTokens // not every engine knows the name that OpenAI has now
	}
	for _, f := range []struct {
		name  string
		value any
		on    bool
	}{
		{"top_k", s.TopK, s.TopK > 0},
		{"min_p", s.MinP, s.MinP > 0},
		{"repetition_penalty", s.RepetitionPenalty, s.RepetitionPenalty != 1},
		{"ignore_eos", true, r.IgnoreEOS},
		{"stop_token_ids", r.StopIDs, len(r.StopIDs) > 0},
		{"chat_template_kwargs", r.TemplateVars, len(r.TemplateVars) > 0},
		{"structured_outputs", map[string]any{"regex": r.Format.Regex}, r.Format.Type == "regex"},
		{"structured_outputs", map[string]any{"choice": r.Format.Choice}, r.Format.Type == "choice"},
		{"structured_outputs", map[string]any{"json": r.Format.Schema}, r.Format.Type == "json_schema" && r.Messages == nil},
		{"response_format", map[string]any{"type": "json_object"}, r.Format.Type == "json_object" && r.Messages == nil},
	} {
		if !f.on {
			continue
		}
		if !b.opts.Extensions {
			return nil, unsupported(f.name, f.name)
		}
		out[f.name] = f.value
	}
	return out, nil
}

func unsupported(param, what string) error {
	return &serving.ParamError{Param: param, Message: fmt.Sprintf("%s is not supported by the endpoint that serves this model", what)}
}

type extrasKey struct{}

// extender sends requests with the extras of their context.
type extender struct{ client *http.Client }

func (x extender) Do(req *http.Request) (*http.Response, error) {
	resp, err := x.extended(req)
	noteLater(req.Context(), resp)
	return resp, err
}

func (x extender) extended(req *http.Request) (*http.Response, error) {
	extra, _ := req.Context().Value(extrasKey{}).(map[string]any)
	if len(extra) == 0 || req.Body == nil || req.Method != http.MethodPost {
		return x.client.Do(req)
	}
	var body map[string]json.RawMessage
	err := json.NewDecoder(req.Body).Decode(&body)
	req.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("the body of the request: %w", err)
	}
	for name, value := range extra {
		if body[name], err = json.Marshal(value); err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	return x.client.Do(req)
}
