package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/serving"
)

const noDetails = `"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
	"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}`

func TestCompletions(t *testing.T) {
	reply := func(choices, counts string) string {
		return `{"id":"cmpl-1","object":"text_completion","created":1800000000,"model":"fake","choices":[` + choices + `],"usage":{` + counts + `,` + noDetails + `},"system_fingerprint":"fp_fake"}`
	}
	for _, c := range []struct{ name, in, out string }{
		{"text", `"prompt":"ab cd"`, reply(`{"text":"ab cd","index":0,"logprobs":null,"finish_reason":"stop"}`,
			`"prompt_tokens":2,"completion_tokens":2,"total_tokens":4`)},
		{"list, n", `"prompt":["a","b"],"n":2`, reply(`
			{"text":"a","index":0,"logprobs":null,"finish_reason":"stop"},{"text":"a","index":1,"logprobs":null,"finish_reason":"stop"},
			{"text":"b","index":2,"logprobs":null,"finish_reason":"stop"},{"text":"b","index":3,"logprobs":null,"finish_reason":"stop"}`,
			`"prompt_tokens":2,"completion_tokens":4,"total_tokens":6`)},
		{"ids", `"prompt":[97,98]`, reply(`{"text":"ab","index":0,"logprobs":null,"finish_reason":"stop"}`,
			`"prompt_tokens":2,"completion_tokens":1,"total_tokens":3`)},
		{"lists of ids", `"prompt":[[97],[98]]`, reply(`{"text":"a","index":0,"logprobs":null,"finish_reason":"stop"},{"text":"b","index":1,"logprobs":null,"finish_reason":"stop"}`,
			`"prompt_tokens":2,"completion_tokens":2,"total_tokens":4`)},
		{"echo", `"prompt":"ab","echo":true`, reply(`{"text":"abab","index":0,"logprobs":null,"finish_reason":"stop"}`,
			`"prompt_tokens":1,"completion_tokens":1,"total_tokens":2`)},
		{"the prompt alone", `"prompt":"ab","echo":true,"max_tokens":0`, reply(`{"text":"ab","index":0,"logprobs":null,"finish_reason":"length"}`,
			`"prompt_tokens":1,"completion_tokens":0,"total_tokens":1`)},
		{"logprobs", `"prompt":"xyz é","logprobs":1`, reply(`{"text":"xyz é","index":0,"finish_reason":"stop","logprobs":{
			"tokens":["xyz"," é"],"token_logprobs":[-0.5,-0.5],"top_logprobs":[{"xyz":-0.5},{" é":-0.5}],"text_offset":[0,3]}}`,
			`"prompt_tokens":2,"completion_tokens":2,"total_tokens":4`)},
		{"logprobs 0 and parts of characters", `"prompt":"a\ud83d\ude42b","logprobs":0`, reply(`{"text":"a🙂b","index":0,"finish_reason":"stop","logprobs":{
			"tokens":["bytes:\\x61\\xf0\\x9f","bytes:\\x99\\x82\\x62"],"token_logprobs":[-0.5,-0.5],
			"top_logprobs":[{"bytes:\\x61\\xf0\\x9f":-0.5},{"bytes:\\x99\\x82\\x62":-0.5}],"text_offset":[0,1]}}`,
			`"prompt_tokens":2,"completion_tokens":2,"total_tokens":4`)},
		{"as evaluation asks", `"prompt":["abc de"],"echo":true,"max_tokens":1,"logprobs":2,"temperature":0`, reply(`{"text":"abc deabc","index":0,"finish_reason":"length","logprobs":{
			"tokens":["abc"," de","abc"],"token_logprobs":[null,-0.5,-0.5],
			"top_logprobs":[null,{" de":-0.5,"a":-1.5},{"abc":-0.5,"a":-1.5}],"text_offset":[0,3,6]}}`,
			`"prompt_tokens":2,"completion_tokens":1,"total_tokens":3`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := newTest(t)
			w := do(h, "POST", "/v1/completions", `{"model":"fake",`+c.in+`}`)
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			sameJSON(t, w.Body.String(), c.out)
		})
	}
}

// What lm-evaluation-harness computes from an answer (parse_logprobs of its
// models/openai_completions.py): the sum over the continuation, the last token dropped.
func TestEvaluationClient(t *testing.T) {
	h, fake := newTest(t)
	w := do(h, "POST", "/v1/completions", `{"model":"fake","prompt":[[97,98,99,100],[97,98]],"temperature":0,"max_tokens":1,"logprobs":1,"seed":1234,"echo":true}`)
	var out struct {
		Choices []struct {
			Logprobs struct {
				Tokens        []string
				TokenLogprobs []*float64           `json:"token_logprobs"`
				TopLogprobs   []map[string]float64 `json:"top_logprobs"`
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	for i, want := range []struct {
		context int
		sum     float64
	}{{2, -1}, {1, -.5}} {
		got := out.Choices[i].Logprobs
		sum := 0.0
		for j := want.context; j < len(got.TokenLogprobs)-1; j++ {
			sum += *got.TokenLogprobs[j]
			for _, top := range got.TopLogprobs[j] {
				if top > *got.TokenLogprobs[j] {
					t.Errorf("prompt %d token %d is not the most probable", i, j)
				}
			}
		}
		if sum != want.sum {
			t.Errorf("prompt %d: sum %v, want %v", i, sum, want.sum)
		}
	}
	for _, r := range fake.Requests() {
		if !r.IgnoreEOS { // else a model that would stop leaves one token too few
			t.Error("the answer may end before its one token")
		}
	}
}

func TestCompletionsRequest(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     func(r *serving.Request)
	}{
		{"defaults", ``, func(*serving.Request) {}},
		{"null", `,"max_tokens":null,"logprobs":null,"echo":null,"best_of":null,"suffix":null`, func(*serving.Request) {}},
		{"best of", `,"best_of":3,"n":2,"stop":["."]`, func(r *serving.Request) { r.BestOf, r.N, r.Stop = 3, 2, []string{"."} }},
		{"score", `,"echo":true,"logprobs":5,"max_tokens":0`, func(r *serving.Request) {
			r.Echo, r.Logprobs, r.PromptLogprobs, r.MaxTokens = true, 5, 5, -1
		}},
		{"echo without logprobs", `,"echo":true,"max_tokens":3`, func(r *serving.Request) { r.Echo, r.MaxTokens = true, 3 }},
		{"format", `,"response_format":{"type":"json_object"}`, func(r *serving.Request) { r.Format.Type = "json_object" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake := newTest(t)
			if w := do(h, "POST", "/v1/completions", `{"model":"fake","prompt":"x"`+c.in+`}`); w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			want := &serving.Request{Model: "fake", Client: "192.0.2.1:1234", Prompt: "x", Sampling: serving.DefaultSampling(), N: 1, MaxTokens: 16, Logprobs: -1, PromptLogprobs: -1}
			c.want(want)
			if diff := cmp.Diff([]*serving.Request{want}, fake.Requests()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCompletionsBadInput(t *testing.T) {
	for _, c := range []struct{ name, in, param, code string }{
		{"no prompt", `{"model":"fake"}`, "prompt", "missing_required_parameter"},
		{"empty list", `{"model":"fake","prompt":[ ]}`, "prompt", "empty_array"},
		{"empty ids", `{"model":"fake","prompt":[[1],[]]}`, "prompt[1]", "empty_array"},
		{"object", `{"model":"fake","prompt":{}}`, "prompt", "invalid_type"},
		{"mixed", `{"model":"fake","prompt":["a",1]}`, "prompt[1]", "invalid_type"},
		{"ids and text", `{"model":"fake","prompt":[1,"a"]}`, "prompt[1]", "invalid_type"},
		{"negative id", `{"model":"fake","prompt":[-1]}`, "prompt[0]", "integer_below_min_value"},
		{"huge id", `{"model":"fake","prompt":[4294967296]}`, "prompt[0]", "integer_above_max_value"},
		{"suffix", `{"model":"fake","prompt":"a","suffix":"b"}`, "suffix", "unsupported_parameter"},
		{"logprobs true", `{"model":"fake","prompt":"a","logprobs":true}`, "logprobs", "invalid_type"},
		{"logprobs 21", `{"model":"fake","prompt":"a","logprobs":21}`, "logprobs", "integer_above_max_value"},
		{"best of less than n", `{"model":"fake","prompt":"a","n":3,"best_of":2}`, "best_of", "invalid_parameter_combination"},
		{"best of in a stream", `{"model":"fake","prompt":"a","n":1,"best_of":2,"stream":true}`, "best_of", "invalid_parameter_combination"},
		{"too many", `{"model":"fake","prompt":["a","b","c"],"n":2}`, "n", "invalid_value"},
		{"too many prompts", `{"model":"fake","prompt":["a","b","c","d","e","f"]}`, "prompt", "array_above_max_length"},
		{"messages", `{"model":"fake","prompt":"a","messages":[]}`, "messages", "unknown_parameter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake := newTest(t, func(d *Deps) { d.Options.MaxPrompts = 5 })
			wantError(t, do(h, "POST", "/v1/completions", c.in), 400, "invalid_request_error", c.param, c.code)
			if len(fake.Requests()) > 0 {
				t.Error("the backend was asked")
			}
		})
	}
}

// One prompt that fails ends the others, and the error is its own.
func TestPromptsTogether(t *testing.T) {
	h, fake := newTest(t)
	fake.Err = func(r *serving.Request) error {
		if r.Prompt == "bad" {
			return errors.Join(serving.ErrOverloaded)
		}
		return nil
	}
	fake.Delay = time.Minute // the others would take this long
	for _, stream := range []string{"false", "true"} {
		w := do(h, "POST", "/v1/completions", `{"model":"fake","prompt":["good","bad","good"],"stream":`+stream+`}`)
		wantError(t, w, 429, "rate_limit_error", "", "rate_limit_exceeded")
		wait(t, "the others to end", func() bool { return fake.Running() == 0 })
	}

	fake.Err = func(r *serving.Request) error { panic("boom") }
	wantError(t, do(h, "POST", "/v1/completions", `{"model":"fake","prompt":["a","b"]}`), 500, "server_error", "", "internal_error")

	h, fake = newTest(t)
	w := do(h, "POST", "/v1/completions", `{"model":"fake","prompt":[`+strings.Repeat(`"x",`, 99)+`"y"]}`)
	if n := len(fake.Requests()); w.Code != 200 || n != 100 || strings.Count(w.Body.String(), `"text":"x"`) != 99 {
		t.Errorf("status %d, %d requests", w.Code, n)
	}
}
