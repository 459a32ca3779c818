package api

import (
	"math"
	"strings"
	"testing"
)

func TestEmbeddings(t *testing.T) {
	reply := func(data string, tokens string) string {
		return `{"object":"list","model":"fake-embed","data":[` + data + `],"usage":{"prompt_tokens":` + tokens + `,"total_tokens":` + tokens + `}}`
	}
	// The fake counts ids by their low 3 bits, from 1 in the first dimension: "a" is
	// 97 (1), so [1 1 0 …]/√2; "ab" is 0x6162 (2), so [1 0 1 …]/√2.
	const a = `[0.70710677,0.70710677,0,0,0,0,0,0]`
	const ab = `[0.70710677,0,0.70710677,0,0,0,0,0]`
	for _, c := range []struct{ name, in, out string }{
		{"text", `"input":"a"`, reply(`{"object":"embedding","index":0,"embedding":`+a+`}`, "1")},
		{"list", `"input":["a","ab"],"user":"u"`, reply(`{"object":"embedding","index":0,"embedding":`+a+`},{"object":"embedding","index":1,"embedding":`+ab+`}`, "2")},
		{"ids", `"input":[97,1],"encoding_format":"float"`, reply(`{"object":"embedding","index":0,"embedding":[0.4472136,0.8944272,0,0,0,0,0,0]}`, "2")},
		{"lists of ids", `"input":[[97]]`, reply(`{"object":"embedding","index":0,"embedding":`+a+`}`, "1")},
		// Python: base64.b64encode(struct.pack('<8f', .70710677, .70710677, 0, 0, 0, 0, 0, 0))
		{"base64", `"input":"a","encoding_format":"base64"`, reply(`{"object":"embedding","index":0,"embedding":"8wQ1P/MENT8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`, "1")},
		{"dimensions", `"input":["a","ab"],"dimensions":2`, reply(`{"object":"embedding","index":0,"embedding":[0.70710677,0.70710677]},{"object":"embedding","index":1,"embedding":[1,0]}`, "2")},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := newTest(t)
			w := do(h, "POST", "/v1/embeddings", `{"model":"fake-embed",`+c.in+`}`)
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			sameJSON(t, w.Body.String(), c.out)
		})
	}
}

func TestEmbeddingsBadInput(t *testing.T) {
	for _, c := range []struct{ name, in, param, code string }{
		{"none", ``, "input", "missing_required_parameter"},
		{"empty", `,"input":""`, "input", "invalid_value"},
		{"empty in a list", `,"input":["a",""]`, "input[1]", "invalid_value"},
		{"empty list", `,"input":[]`, "input", "empty_array"},
		{"too many dimensions", `,"input":"a","dimensions":9`, "dimensions", "invalid_value"},
		{"no dimensions", `,"input":"a","dimensions":0`, "dimensions", "integer_below_min_value"},
		{"format", `,"input":"a","encoding_format":"hex"`, "encoding_format", "invalid_value"},
		{"too long", `,"input":"` + strings.Repeat("a ", 600) + `"`, "input", "context_length_exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := newTest(t)
			wantError(t, do(h, "POST", "/v1/embeddings", `{"model":"fake-embed"`+c.in+`}`), 400, "invalid_request_error", c.param, c.code)
		})
	}
}

func TestShortenZero(t *testing.T) {
	v := [][]float32{{0, 0, 1}}
	if err := shorten(v, 2); err != nil || math.IsNaN(float64(v[0][0])) {
		t.Errorf("%v, %v", v, err)
	}
}
