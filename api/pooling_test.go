package api

import (
	"strings"
	"testing"

	"graft/serving"
)

func TestPooling(t *testing.T) {
	// The fake's vectors are a 1 and the low three bits of an id: "a" is 97, "ab" is 0x6162.
	const a = `{"object":"pooling","index":0,"data":[[1,0,0,0],[1,1,0,0],[1,0,0,0]],"token_ids":[0,97,0],"token_strs":["\u0000","a","\u0000"],"special_tokens_mask":[1,0,1]}`
	for _, c := range []struct{ name, in, out string }{
		{"text", `"input":"a"`, `{"id":"pool-1","object":"list","model":"fake-embed","layer":1,"data":[` + a + `],"usage":{"prompt_tokens":3,"total_tokens":3}}`},
		{"an empty one", `"input":["a",""],"task":"token_embed","layer":2`, `{"id":"pool-1","object":"list","model":"fake-embed","layer":2,"data":[` + a +
			`,{"object":"pooling","index":1,"data":[[1,0,0,0],[1,0,0,0]],"token_ids":[0,0],"token_strs":["\u0000","\u0000"],"special_tokens_mask":[1,1]}],"usage":{"prompt_tokens":5,"total_tokens":5}}`},
		// Python: base64.b64encode(struct.pack('<12f', 1,0,0,0, 1,1,0,0, 1,0,0,0))
		{"base64", `"input":"a","encoding_format":"base64"`, `{"id":"pool-1","object":"list","model":"fake-embed","layer":1,"data":[` +
			strings.Replace(a, `[[1,0,0,0],[1,1,0,0],[1,0,0,0]]`, `"AACAPwAAAAAAAAAAAAAAAAAAgD8AAIA/AAAAAAAAAAAAAIA/AAAAAAAAAAAAAAAA"`, 1) + `],"usage":{"prompt_tokens":3,"total_tokens":3}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := newTest(t)
			w := do(h, "POST", "/pooling", `{"model":"fake-embed",`+c.in+`}`)
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			sameJSON(t, w.Body.String(), c.out)
		})
	}
}

func TestPoolingBadInput(t *testing.T) {
	long := `,"input":"` + strings.Repeat("a ", 600) + `"`
	for _, c := range []struct{ name, in, param, code string }{
		{"none", ``, "input", "missing_required_parameter"},
		{"ids", `,"input":[97]`, "input", "invalid_type"},
		{"too many", `,"input":[""` + strings.Repeat(`,""`, maxPooled) + `]`, "input", "array_above_max_length"},
		{"task", `,"input":"a","task":"classify"`, "task", "invalid_value"},
		{"layer 0", `,"input":"a","layer":0`, "layer", "integer_below_min_value"},
		{"layer 3", `,"input":"a","layer":3`, "layer", "unsupported_value"},
		{"too long", long, "input", "context_length_exceeded"},
		{"cut elsewhere", long + `,"truncate_prompt_tokens":5`, "truncate_prompt_tokens", "integer_above_max_value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := newTest(t)
			wantError(t, do(h, "POST", "/pooling", `{"model":"fake-embed"`+c.in+`}`), 400, "invalid_request_error", c.param, c.code)
		})
	}
	h, _ := newTest(t)
	if w := do(h, "POST", "/pooling", `{"model":"fake-embed","truncate_prompt_tokens":-1`+long+`}`); w.Code != 200 {
		t.Errorf("cut to the context: status %d: %s", w.Code, w.Body)
	}
	h, _ = newTest(t, func(d *Deps) { d.Backend = struct{ serving.Backend }{d.Backend} })
	wantError(t, do(h, "POST", "/pooling", `{"model":"fake-embed","input":"a"}`), 400, "invalid_request_error", "", "no_token_embeddings")
}
