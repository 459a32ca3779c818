package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/internal/chat"
	"graft/serving"
)

func TestChat(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"plain",
			`{"model":"fake","messages":[{"role":"user","content":"Hello <b>"}]}`,
			`{"id":"chatcmpl-1","object":"chat.completion","created":1800000000,"model":"fake",
			"choices":[{"index":0,"message":{"role":"assistant","content":"Hello <b>","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],
			"usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9,
				"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
				"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},
			"service_tier":"default","system_fingerprint":"fp_fake"}`},
		{"n, length, logprobs",
			`{"model":"fake","messages":[{"role":"user","content":"é!"}],"n":2,"max_completion_tokens":1,"logprobs":true,"top_logprobs":2}`,
			`{"id":"chatcmpl-1","object":"chat.completion","created":1800000000,"model":"fake",
			"choices":[
				{"index":0,"message":{"role":"assistant","content":"é!","refusal":null,"annotations":[]},"finish_reason":"stop","logprobs":{"refusal":null,"content":[
					{"token":"é!","logprob":-0.5,"bytes":[195,169,33],"top_logprobs":[{"token":"é!","logprob":-0.5,"bytes":[195,169,33]},{"token":"a","logprob":-1.5,"bytes":[97]}]}]}},
				{"index":1,"message":{"role":"assistant","content":"é!","refusal":null,"annotations":[]},"finish_reason":"stop","logprobs":{"refusal":null,"content":[
					{"token":"é!","logprob":-0.5,"bytes":[195,169,33],"top_logprobs":[{"token":"é!","logprob":-0.5,"bytes":[195,169,33]},{"token":"a","logprob":-1.5,"bytes":[97]}]}]}}],
			"usage":{"prompt_tokens":2,"completion_tokens":2,"total_tokens":4,
				"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
				"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},
			"service_tier":"default","system_fingerprint":"fp_fake"}`},
		{"tool",
			`{"model":"fake","messages":[{"role":"user","content":"go"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"tool_choice":"required"}`,
			`{"id":"chatcmpl-1","object":"chat.completion","created":1800000000,"model":"fake",
			"choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"annotations":[],
				"tool_calls":[{"id":"call_fake_0","type":"function","function":{"name":"f","arguments":"{\"text\":\"go\"}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],
			"usage":{"prompt_tokens":2,"completion_tokens":5,"total_tokens":7,
				"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
				"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},
			"service_tier":"default","system_fingerprint":"fp_fake"}`},
		{"function of 2023",
			`{"model":"fake","messages":[{"role":"user","content":"go"}],"functions":[{"name":"f"}],"function_call":{"name":"f"}}`,
			`{"id":"chatcmpl-1","object":"chat.completion","created":1800000000,"model":"fake",
			"choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"annotations":[],
				"function_call":{"name":"f","arguments":"{\"text\":\"go\"}"}},"logprobs":null,"finish_reason":"function_call"}],
			"usage":{"prompt_tokens":2,"completion_tokens":5,"total_tokens":7,
				"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
				"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},
			"service_tier":"default","system_fingerprint":"fp_fake"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := newTest(t)
			w := do(h, "POST", "/v1/chat/completions", c.in)
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("status %d, %v", w.Code, w.Header())
			}
			sameJSON(t, w.Body.String(), c.out)
			if strings.Contains(w.Body.String(), `\u003c`) {
				t.Error("HTML escapes in the reply")
			}
		})
	}
}

// What a request means to the backend, field by field.
func TestChatRequest(t *testing.T) {
	seed := int64(-7)
	for _, c := range []struct {
		name, in string
		want     func(r *serving.Request)
	}{
		{"defaults", ``, func(r *serving.Request) {}},
		{"null is absent", `,"temperature":null,"tools":null,"stop":null,"seed":null,"max_tokens":null,"stream":null`, func(r *serving.Request) {}},
		{"zero is not absent", `,"temperature":0,"top_p":0,"top_k":0`, func(r *serving.Request) { r.Sampling.Temperature, r.Sampling.TopP = 0, 0 }},
		{"sampling", `,"temperature":0.5,"top_p":0.25,"top_k":40,"min_p":0.125,"repetition_penalty":1.5,"presence_penalty":-2,"frequency_penalty":2,"seed":-7,"logit_bias":{"5":-100,"6":1.5}`,
			func(r *serving.Request) {
				r.Sampling = serving.Sampling{Temperature: .5, TopP: .25, TopK: 40, MinP: .125, RepetitionPenalty: 1.5, PresencePenalty: -2, FrequencyPenalty: 2,
					Seed: &seed, LogitBias: map[int32]float32{5: -100, 6: 1.5}}
			}},
		{"top_k as vLLM turns it off", `,"top_k":-1`, func(r *serving.Request) {}},
		{"stop string", `,"stop":"END"`, func(r *serving.Request) { r.Stop = []string{"END"} }},
		{"stop list", `,"stop":["a","b"],"stop_token_ids":[7],"ignore_eos":true`, func(r *serving.Request) {
			r.Stop, r.StopIDs, r.IgnoreEOS = []string{"a", "b"}, []int32{7}, true
		}},
		{"limits", `,"max_tokens":12.0,"n":3`, func(r *serving.Request) { r.MaxTokens, r.N = 12, 3 }},
		{"logprobs", `,"logprobs":true`, func(r *serving.Request) { r.Logprobs = 0 }},
		{"top logprobs", `,"logprobs":true,"top_logprobs":20`, func(r *serving.Request) { r.Logprobs = 20 }},
		{"json object", `,"response_format":{"type":"json_object"}`, func(r *serving.Request) { r.Format.Type = "json_object" }},
		{"json schema keeps its key order", `,"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"z":1,"a":{"y":2,"b":3}}}}`,
			func(r *serving.Request) {
				r.Format = serving.Format{Type: "json_schema", Schema: []byte(`{"z":1,"a":{"y":2,"b":3}}`)}
			}},
		{"regex", `,"guided_regex":"[0-9]+"`, func(r *serving.Request) { r.Format = serving.Format{Type: "regex", Regex: "[0-9]+"} }},
		{"choice", `,"structured_outputs":{"choice":["yes","no"]}`, func(r *serving.Request) {
			r.Format = serving.Format{Type: "choice", Choice: []string{"yes", "no"}}
		}},
		{"guided json", `,"guided_json":{"z":1,"a":2}`, func(r *serving.Request) {
			r.Format = serving.Format{Type: "json_schema", Schema: []byte(`{"z":1,"a":2}`)}
		}},
		{"template variables", `,"chat_template_kwargs":{"enable_thinking":false,"n":1,"x":1.5,"l":[2]}`, func(r *serving.Request) {
			r.TemplateVars = map[string]any{"enable_thinking": false, "n": int64(1), "x": 1.5, "l": []any{int64(2)}}
		}},
		{"tools", `,"tools":[{"type":"function","function":{"strict":true,"name":"f","description":"d","parameters":{"b":1,"a":2}}},{"function":{"name":"g"},"type":"function"}],"tool_choice":"auto","parallel_tool_calls":false`,
			func(r *serving.Request) {
				r.Tools = []chat.Tool{
					{Name: "f", Description: "d", Strict: true, Parameters: []byte(`{"b":1,"a":2}`), Raw: []byte(`{"type":"function","function":{"strict":true,"name":"f","description":"d","parameters":{"b":1,"a":2}}}`)},
					{Name: "g", Raw: []byte(`{"function":{"name":"g"},"type":"function"}`)}}
				r.ToolChoice.Mode, r.ParallelTools = "auto", false
			}},
		{"named tool", `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}`, func(r *serving.Request) {
			r.Tools = []chat.Tool{{Name: "f", Raw: []byte(`{"type":"function","function":{"name":"f"}}`)}}
			r.ToolChoice = serving.ToolChoice{Mode: "named", Names: []string{"f"}}
		}},
		{"allowed tools", `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}`, func(r *serving.Request) {
			r.Tools = []chat.Tool{{Name: "f", Raw: []byte(`{"type":"function","function":{"name":"f"}}`)}}
			r.ToolChoice = serving.ToolChoice{Mode: "required", Names: []string{"f"}}
		}},
		{"functions of 2023", `,"functions":[{"name":"f"}]`, func(r *serving.Request) {
			r.Tools = []chat.Tool{{Name: "f", Raw: []byte(`{"type":"function","function":{"name":"f"}}`)}}
			r.ToolChoice.Mode, r.ParallelTools = "auto", false
		}},
		{"without effect", `,"user":"u","metadata":{"a":"b"},"store":true,"service_tier":"auto","safety_identifier":"s","prompt_cache_key":"k","modalities":["text"],"verbosity":"medium","audio":null`,
			func(r *serving.Request) {}},
		{"a prediction", `,"prediction":{"type":"content","content":"so be it"}`, func(r *serving.Request) { r.Prediction = "so be it" }},
		{"a prediction in parts", `,"prediction":{"type":"content","content":[{"type":"text","text":"so "},{"type":"text","text":"be it"}]}`, func(r *serving.Request) { r.Prediction = "so be it" }},
		{"no prediction", `,"prediction":null`, func(r *serving.Request) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake := newTest(t)
			w := do(h, "POST", "/v1/chat/completions", `{"model":"fake","messages":[{"role":"user","content":"hi"}]`+c.in+`}`)
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			want := &serving.Request{Model: "fake", Client: "192.0.2.1:1234", Messages: []chat.Message{chat.Text("user", "hi")}, Sampling: serving.DefaultSampling(), N: 1, Logprobs: -1, PromptLogprobs: -1, ParallelTools: true}
			want.ToolChoice.Mode = "none"
			c.want(want)
			if diff := cmp.Diff([]*serving.Request{want}, fake.Requests()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestChatMessages(t *testing.T) {
	h, fake := newTest(t)
	w := do(h, "POST", "/v1/chat/completions", `{"model":"fake","messages":[
		{"role":"developer","content":"be kind","name":"n"},
		{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
		{"role":"assistant","content":null,"refusal":null,"audio":null,"annotations":[],"parsed":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","index":0,"function":{"name":"f","arguments":"{\"x\": 1}","parsed_arguments":{"x":1}}}]},
		{"role":"tool","tool_call_id":"c1","content":"42"},
		{"role":"assistant","function_call":{"name":"g","arguments":""}},
		{"role":"function","name":"g","content":"7"},
		{"role":"assistant","content":""},
		{"role":"assistant","content":null,"refusal":"no"},
		{"role":"user","content":"\ud83d\ude42 \u00e9"}]}`)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	text := func(s string) []chat.Part { return []chat.Part{{Type: "text", Text: s}} }
	want := []chat.Message{
		{Role: "developer", Name: "n", Content: text("be kind"), Plain: true},
		{Role: "user", Content: []chat.Part{{Type: "text", Text: "a"}, {Type: "text", Text: "b"}}},
		{Role: "assistant", Reasoning: "hm", ToolCalls: []chat.ToolCall{{ID: "c1", Name: "f", Arguments: `{"x": 1}`}}},
		{Role: "tool", ToolCallID: "c1", Content: text("42"), Plain: true},
		{Role: "assistant", ToolCalls: []chat.ToolCall{{ID: "g", Name: "g"}}},
		{Role: "tool", Name: "g", ToolCallID: "g", Content: text("7"), Plain: true},
		{Role: "assistant", Content: text(""), Plain: true},
		{Role: "assistant", Content: text("no"), Plain: true},
		{Role: "user", Content: text("🙂 é"), Plain: true},
	}
	if diff := cmp.Diff(want, fake.Requests()[0].Messages); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestUsage(t *testing.T) {
	var u serving.Usage
	u.Add(serving.Usage{Prompt: 1, Completion: 2, Cached: 3, Reasoning: 4, Accepted: 5, Rejected: 6})
	u.Add(serving.Usage{Prompt: 10, Completion: 20, Cached: 30, Reasoning: 40, Accepted: 50, Rejected: 60})
	got, err := json.Marshal(usageOf(u))
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, string(got), `{"prompt_tokens":11,"completion_tokens":22,"total_tokens":33,"prompt_tokens_details":{"cached_tokens":33,"audio_tokens":0},
		"completion_tokens_details":{"reasoning_tokens":44,"audio_tokens":0,"accepted_prediction_tokens":55,"rejected_prediction_tokens":66}}`)
}

// Every mistake is a 400 that names its field.
func TestChatBadInput(t *testing.T) {
	const model, hi = `"model":"fake"`, `"messages":[{"role":"user","content":"hi"}]`
	field := func(s string) string { return "{" + model + "," + hi + "," + s + "}" }
	message := func(s string) string { return "{" + model + `,"messages":[` + s + "]}" }
	tool := func(s string) string { return field(`"tools":[` + s + `]`) }
	for _, c := range []struct{ name, in, param, code, says string }{
		{"empty", ``, "", "invalid_content_type", ""},
		{"not JSON", `{"model":`, "", "invalid_json", "byte 9"},
		{"two values", `{} {}`, "", "invalid_json", ""},
		{"not an object", `[1]`, "", "invalid_json", "an array"},
		{"not UTF-8", "{\"model\":\"\xff\"}", "", "invalid_json", "UTF-8"},
		{"duplicate key", `{` + model + `,` + model + `}`, "model", "duplicate_key", "twice"},
		{"duplicate key, escaped and deep", `{` + model + `,"messages":[{"role":"user","content":[{"a":1,"\u0061":2}]}]}`, "messages[0].content[0].a", "duplicate_key", ""},
		{"deep", `{"model":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "", "invalid_json", ""},
		{"deep but valid", `{"model":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "", "invalid_json", "100 levels"},
		{"no model", `{` + hi + `}`, "model", "missing_required_parameter", "'model'"},
		{"null model", `{"model":null,` + hi + `}`, "model", "missing_required_parameter", ""},
		{"empty model", `{"model":"",` + hi + `}`, "model", "invalid_value", ""},
		{"number for model", `{"model":7,` + hi + `}`, "model", "invalid_type", "expected a string, but got an integer"},
		{"no messages", `{` + model + `}`, "messages", "missing_required_parameter", ""},
		{"empty messages", message(``), "messages", "empty_array", ""},
		{"string for messages", `{` + model + `,"messages":"hi"}`, "messages", "invalid_type", "expected an array"},
		{"string for a message", message(`"hi"`), "messages[0]", "invalid_type", "expected an object"},
		{"unknown role", message(`{"role":"robot","content":"x"}`), "messages[0].role", "invalid_value", "'robot'"},
		{"role in capitals", message(`{"Role":"user","content":"x"}`), "messages[0].role", "missing_required_parameter", ""},
		{"no content", message(`{"role":"user"}`), "messages[0].content", "missing_required_parameter", ""},
		{"assistant says nothing", message(`{"role":"assistant"}`), "messages[0].content", "missing_required_parameter", ""},
		{"number for content", message(`{"role":"user","content":5}`), "messages[0].content", "invalid_type", "a string or an array"},
		{"image", message(`{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]}`), "messages[0].content[1].type", "unsupported_value", "image_url"},
		{"audio", message(`{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}`), "messages[0].content[0].type", "unsupported_value", "input_audio"},
		{"unknown part", message(`{"role":"user","content":[{"type":"smell"}]}`), "messages[0].content[0].type", "invalid_value", "'text'"},
		{"part without text", message(`{"role":"user","content":[{"type":"text"}]}`), "messages[0].content[0].text", "missing_required_parameter", ""},
		{"tool without id", message(`{"role":"tool","content":"x"}`), "messages[0].tool_call_id", "missing_required_parameter", ""},
		{"tool call without function", message(`{"role":"assistant","tool_calls":[{"id":"x","type":"function"}]}`), "messages[0].tool_calls[0].function", "missing_required_parameter", ""},
		{"object for arguments", message(`{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":{}}}]}`), "messages[0].tool_calls[0].function.arguments", "invalid_type", ""},
		{"unknown in a message", message(`{"role":"user","content":"x","mood":"good"}`), "messages[0].mood", "unknown_parameter", ""},

		{"unknown", field(`"temprature":1`), "temprature", "unknown_parameter", "'temprature'"},
		{"hot", field(`"temperature":2.5`), "temperature", "decimal_above_max_value", "<= 2, but got 2.5"},
		{"cold", field(`"temperature":-1`), "temperature", "decimal_below_min_value", ""},
		{"string for temperature", field(`"temperature":"1"`), "temperature", "invalid_type", "expected a decimal, but got a string"},
		{"huge number", field(`"temperature":1e999`), "temperature", "decimal_above_max_value", ""},
		{"huge integer", field(`"max_tokens":123456789012345678901234567890`), "max_tokens", "integer_above_max_value", ""},
		{"very huge integer", field(`"max_tokens":1e400`), "max_tokens", "integer_above_max_value", ""},
		{"very negative integer", field(`"max_tokens":-1e400`), "max_tokens", "integer_below_min_value", ""},
		{"seed too big", field(`"seed":9223372036854775808`), "seed", "integer_above_max_value", ""},
		{"fraction for integer", field(`"n":1.5`), "n", "invalid_type", "expected an integer"},
		{"n zero", field(`"n":0`), "n", "integer_below_min_value", ""},
		{"n too many", field(`"n":129`), "n", "integer_above_max_value", "<= 128"},
		{"max_tokens zero", field(`"max_tokens":0`), "max_tokens", "integer_below_min_value", ""},
		{"both limits", field(`"max_tokens":5,"max_completion_tokens":5`), "max_tokens", "invalid_parameter_combination", ""},
		{"top_logprobs alone", field(`"top_logprobs":3`), "top_logprobs", "invalid_parameter_combination", ""},
		{"top_logprobs 21", field(`"logprobs":true,"top_logprobs":21`), "top_logprobs", "integer_above_max_value", ""},
		{"number for logprobs", field(`"logprobs":1`), "logprobs", "invalid_type", "expected a boolean"},
		{"stop of numbers", field(`"stop":[1]`), "stop[0]", "invalid_type", ""},
		{"empty stop", field(`"stop":""`), "stop", "invalid_value", ""},
		{"too many stops", field(`"stop":["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"]`), "stop", "array_above_max_length", "16"},
		{"bias of a word", field(`"logit_bias":{"cat":1}`), "logit_bias", "invalid_value", "cat"},
		{"bias too big", field(`"logit_bias":{"5":101}`), "logit_bias.5", "decimal_above_max_value", ""},
		{"prediction is a text", field(`"prediction":"x"`), "prediction", "invalid_type", "an object"},
		{"prediction without a type", field(`"prediction":{"content":"x"}`), "prediction.type", "missing_required_parameter", ""},
		{"prediction of another type", field(`"prediction":{"type":"file","content":"x"}`), "prediction.type", "invalid_value", "'content'"},
		{"prediction without content", field(`"prediction":{"type":"content"}`), "prediction.content", "missing_required_parameter", ""},
		{"prediction of a number", field(`"prediction":{"type":"content","content":7}`), "prediction.content", "invalid_type", "a string or an array"},
		{"prediction of an image", field(`"prediction":{"type":"content","content":[{"type":"image_url"}]}`), "prediction.content[0].type", "unsupported_value", ""},
		{"stream_options alone", field(`"stream_options":{"include_usage":true}`), "stream_options", "invalid_parameter_combination", ""},
		{"unknown format", field(`"response_format":{"type":"xml"}`), "response_format.type", "invalid_value", "json_schema"},
		{"schema missing", field(`"response_format":{"type":"json_schema"}`), "response_format.json_schema", "missing_required_parameter", ""},
		{"schema without a name", field(`"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`), "response_format.json_schema.name", "missing_required_parameter", ""},
		{"two constraints", field(`"response_format":{"type":"text"},"structured_outputs":{"regex":"a"}`), "structured_outputs.regex", "invalid_parameter_combination", ""},
		{"no choice", field(`"guided_choice":[]`), "guided_choice", "empty_array", ""},
		{"audio out", field(`"modalities":["text","audio"]`), "modalities", "unsupported_parameter", "text only"},
		{"web search", field(`"web_search_options":{"a":1}`), "web_search_options", "unsupported_parameter", ""},
		{"effort", field(`"reasoning_effort":"high"`), "reasoning_effort", "unsupported_parameter", "chat_template_kwargs"},
		{"tool of another type", tool(`{"type":"web_search"}`), "tools[0].type", "unsupported_value", "web_search"},
		{"tool without a name", tool(`{"type":"function","function":{}}`), "tools[0].function.name", "missing_required_parameter", ""},
		{"tool with a bad name", tool(`{"type":"function","function":{"name":"a b"}}`), "tools[0].function.name", "invalid_value", "a b"},
		{"tool twice", tool(`{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}`), "tools[1]", "invalid_value", "twice"},
		{"parameters not an object", tool(`{"type":"function","function":{"name":"f","parameters":[]}}`), "tools[0].function.parameters", "invalid_type", ""},
		{"choice without tools", field(`"tool_choice":"required"`), "tool_choice", "invalid_value", "'tools'"},
		{"choice of a stranger", field(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}`), "tool_choice", "invalid_value", "'g'"},
		{"unknown choice", field(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"maybe"`), "tool_choice", "invalid_value", "'none', 'auto' and 'required'"},
		{"functions and tools", field(`"tools":[{"type":"function","function":{"name":"f"}}],"functions":[{"name":"f"}]`), "functions", "invalid_parameter_combination", ""},
		{"function_call alone", field(`"function_call":"auto"`), "function_call", "invalid_value", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake := newTest(t)
			says := wantError(t, do(h, "POST", "/v1/chat/completions", c.in), 400, "invalid_request_error", c.param, c.code)
			if !strings.Contains(says, c.says) {
				t.Errorf("message %q, want %q in it", says, c.says)
			}
			if len(fake.Requests()) > 0 {
				t.Error("the backend was asked")
			}
		})
	}
}

func TestLenient(t *testing.T) {
	h, fake := newTest(t, func(d *Deps) { d.Options.Strict = false })
	w := do(h, "POST", "/v1/chat/completions", `{"model":"fake","messages":[{"role":"user","content":"hi","mood":1}],"logit_bais":{},"audio":{"voice":"x"},"user":"u","é":1}`)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if got, want := w.Header().Get("X-Graft-Ignored"), "messages[0].mood, audio, logit_bais, ?"; got != want {
		t.Errorf("ignored %q, want %q", got, want)
	}
	if len(fake.Requests()) != 1 {
		t.Error("the backend was not asked")
	}
	w = do(h, "POST", "/v1/chat/completions", `{"model":"fake","messages":[{"role":"user","content":"hi"}],"temperature":9}`)
	wantError(t, w, 400, "invalid_request_error", "temperature", "decimal_above_max_value")
}
