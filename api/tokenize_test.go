package api

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/internal/chat"
	"graft/serving"
	"graft/serving/servingtest"
)

// describing is the fake with the power to describe its tokenizer; it keeps what it is asked.
type describing struct {
	*servingtest.Fake
	asked *serving.TokenizeRequest
}

func (d *describing) Tokenize(ctx context.Context, req *serving.TokenizeRequest) (*serving.Tokens, error) {
	d.asked = req
	return d.Fake.Tokenize(ctx, req)
}

func (d *describing) TokenizerInfo(context.Context, string) (*serving.TokenizerInfo, error) {
	return &serving.TokenizerInfo{Class: "GPT2TokenizerFast", BOS: "<s>", EOS: "</s>", AddBOS: true, Vocab: 49152}, nil
}

func TestTokenize(t *testing.T) {
	d := &describing{Fake: servingtest.NewFake()}
	h, _ := newTest(t, func(deps *Deps) { deps.Backend = d })
	for _, c := range []struct {
		name, path, in, out string
		want                *serving.TokenizeRequest
	}{
		{"text", "/tokenize", `{"prompt":"Hello"}`, `{"count":2,"max_model_len":1000,"tokens":[4744556,27759],"token_strs":null}`,
			&serving.TokenizeRequest{Model: "fake", Prompt: "Hello", AddSpecial: true, AddGenerationPrompt: true}},
		{"with strings", "/tokenize", `{"model":"fake-base","prompt":"Hello","add_special_tokens":false,"return_token_strs":true}`, `{"count":2,"max_model_len":1000,"tokens":[4744556,27759],"token_strs":["Hel","lo"]}`,
			&serving.TokenizeRequest{Model: "fake-base", Prompt: "Hello", AddGenerationPrompt: true}},
		{"nothing", "/tokenize", `{"prompt":"","return_token_strs":true}`, `{"count":0,"max_model_len":1000,"tokens":[],"token_strs":[]}`,
			&serving.TokenizeRequest{Model: "fake", AddSpecial: true, AddGenerationPrompt: true}},
		{"chat", "/tokenize", `{"model":"fake","messages":[{"role":"user","content":"a"}],"add_generation_prompt":false,"chat_template_kwargs":{"x":1},"tools":[{"type":"function","function":{"name":"f"}}]}`,
			`{"count":2,"max_model_len":1000,"tokens":[10,97],"token_strs":null}`,
			&serving.TokenizeRequest{Model: "fake", Messages: []chat.Message{chat.Text("user", "a")}, TemplateVars: map[string]any{"x": int64(1)},
				Tools: []chat.Tool{{Name: "f", Raw: []byte(`{"type":"function","function":{"name":"f"}}`)}}}},
		{"back", "/detokenize", `{"tokens":[4744556,27759]}`, `{"prompt":"Hello"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.asked = nil
			w := do(h, "POST", c.path, c.in)
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			sameJSON(t, w.Body.String(), c.out)
			if diff := cmp.Diff(c.want, d.asked); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	for _, c := range []struct{ path, in, param, code string }{
		{"/tokenize", `{}`, "prompt", "missing_required_parameter"},
		{"/tokenize", `{"prompt":["a"]}`, "prompt", "invalid_type"},
		{"/tokenize", `{"prompt":"a","add_generation_prompt":true}`, "add_generation_prompt", "unknown_parameter"},
		{"/detokenize", `{}`, "tokens", "missing_required_parameter"},
		{"/detokenize", `{"tokens":["a"]}`, "tokens[0]", "invalid_type"},
	} {
		wantError(t, do(h, "POST", c.path, c.in), 400, "invalid_request_error", c.param, c.code)
	}
	wantError(t, do(h, "POST", "/tokenize", `{"model":"x","prompt":"a"}`), 404, "invalid_request_error", "model", "model_not_found")
}

func TestTokenizerInfo(t *testing.T) {
	h, _ := newTest(t, func(d *Deps) { d.Backend = &describing{Fake: servingtest.NewFake()} })
	sameJSON(t, do(h, "GET", "/tokenizer_info", "").Body.String(), `{"tokenizer_class":"GPT2TokenizerFast","model_max_length":1000,"chat_template":"{{ messages }}",
		"bos_token":"<s>","eos_token":"</s>","pad_token":null,"unk_token":null,"add_bos_token":true,"add_eos_token":false,"vocab_size":49152}`)
	wantError(t, do(h, "GET", "/tokenizer_info?model=x", ""), 404, "invalid_request_error", "model", "model_not_found")

	plain := struct{ serving.Backend }{servingtest.NewFake()} // no tokenizer at all
	h, _ = newTest(t, func(d *Deps) { d.Backend = plain })
	wantError(t, do(h, "POST", "/tokenize", `{"prompt":"a"}`), 400, "invalid_request_error", "", "no_tokenizer")
	wantError(t, do(h, "POST", "/detokenize", `{"tokens":[1]}`), 400, "invalid_request_error", "", "no_tokenizer")
	wantError(t, do(h, "GET", "/tokenizer_info", ""), 400, "invalid_request_error", "", "unsupported_value")
}
