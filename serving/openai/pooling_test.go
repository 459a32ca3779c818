package openai

import (
	"errors"
	"strings"
	"testing"

	"graft/serving"
)

// What an endpoint sends wrongly is an error, and never read beyond its end.
func TestTokenStatesWrong(t *testing.T) {
	const whole = `{"index":0,"data":"AACAPwAAAEA=","token_ids":[1,2],"token_strs":["a","b"],"special_tokens_mask":[1,0]}`
	for name, c := range map[string]struct{ body, want string }{
		"whole":       {whole, ""},
		"none":        {``, "no states of text 0"},
		"index":       {strings.Replace(whole, `"index":0`, `"index":7`, 1), "states of text 7 of 1"},
		"below":       {strings.Replace(whole, `"index":0`, `"index":-1`, 1), "states of text -1 of 1"},
		"marks":       {strings.Replace(whole, `[1,0]`, `[1]`, 1), "2 tokens, 2 of them as text, and 1 marks"},
		"strings":     {strings.Replace(whole, `["a","b"]`, `[]`, 1), "2 tokens, 0 of them as text"},
		"no tokens":   {`{"index":0,"data":"AACAPw=="}`, "0 tokens"},
		"no base64":   {strings.Replace(whole, `AACAPwAAAEA=`, `!`, 1), "illegal base64"},
		"odd bytes":   {strings.Replace(whole, `AACAPwAAAEA=`, `AACAPw==`, 1), "4 bytes of states for 2 tokens"},
		"no bytes":    {strings.Replace(whole, `AACAPwAAAEA=`, ``, 1), "0 bytes of states"},
		"not strings": {strings.Replace(whole, `"AACAPwAAAEA="`, `[[1],[2]]`, 1), "cannot unmarshal"},
	} {
		b := start(t, &endpoint{status: 200, body: `{"data":[` + c.body + `],"layer":3,"usage":{"prompt_tokens":2}}`})
		got, err := b.EncodeTokens(t.Context(), &serving.TokenStatesRequest{Model: "m", Texts: []string{"x"}})
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want an error with %q", name, err, c.want)
			}
		case err != nil || got.Layer != 3 || got.Usage.Prompt != 2 || got.Texts[0].Vectors[0][0] != 1 || got.Texts[0].Vectors[1][0] != 2 || !got.Texts[0].Special[0] || got.Texts[0].Special[1]:
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// The request says what graft's route reads; errors are those of serving.
func TestTokenStatesOnTheWire(t *testing.T) {
	e := &endpoint{status: 404, body: `{"error":{"message":"no such model","code":"model_not_found"}}`}
	b := start(t, e)
	req := &serving.TokenStatesRequest{Model: "m", Texts: []string{"x", ""}, Layer: 2, Truncate: true}
	if _, err := b.EncodeTokens(t.Context(), req); !errors.Is(err, serving.ErrModelNotFound) {
		t.Errorf("%v, want %v", err, serving.ErrModelNotFound)
	}
	if e.got["layer"] != 2. || e.got["truncate_prompt_tokens"] != -1. || e.got["task"] != "token_embed" || e.got["encoding_format"] != "base64" || len(e.got["input"].([]any)) != 2 || e.header.Get("Authorization") != "Bearer sk-test" {
		t.Errorf("sent %v with %v", e.got, e.header)
	}
	e.status, e.body = 502, "<html>"
	if _, err := b.EncodeTokens(t.Context(), req); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("%v, want the status", err)
	}
	plain := start(t, e, func(o *Options) { o.Extensions = false })
	if _, err := plain.EncodeTokens(t.Context(), req); !errors.Is(err, serving.ErrUnsupported) {
		t.Errorf("without extensions: %v, want %v", err, serving.ErrUnsupported)
	}
}
