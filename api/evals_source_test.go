package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func (b *evalBench) file(t testing.TB, content string) string {
	t.Helper()
	kind, body := fileForm(t, "file", "rows.jsonl", content, "purpose", "evals")
	return fieldsOf(t, sendAs(b, "/v1/files", kind, body), 200)["id"].(string)
}

// Rows come from files too, blank lines and a byte order mark among them.
func TestEvalFile(t *testing.T) {
	b := newEvalBench(t)
	fieldsOf(t, do(b, "POST", "/v1/evals", echoEval), 201)
	good := b.file(t, "\ufeff"+`{"item":{"q":"x","a":"x"},"sample":{"output_text":"x"}}`+"\r\n\n"+`{"item":{"q":"y","a":"y"},"sample":{"choices":[{"message":{"role":"assistant","content":"z"},"finish_reason":"length"}],"model":"far"}}`)
	run := fieldsOf(t, do(b, "POST", "/v1/evals/eval_1/runs", fmt.Sprintf(`{"data_source":{"type":"jsonl","source":{"type":"file_id","id":%q}}}`, good)), 201)["id"].(string)
	got := b.ended(t, "/v1/evals/eval_1/runs/"+run)
	sameJSON(t, string(mustJSON(t, got["result_counts"])), `{"total":2,"errored":0,"failed":1,"passed":1}`)
	sameJSON(t, string(mustJSON(t, got["per_model_usage"])), `[]`)
	list := fieldsOf(t, do(b, "GET", "/v1/evals/eval_1/runs/"+run+"/output_items?status=fail", ""), 200)["data"].([]any)
	sameJSON(t, string(mustJSON(t, list[0].(map[string]any)["sample"])), `{"input":[],"output":[{"role":"assistant","content":"z"}],"finish_reason":"length","model":"far",
		"usage":{"total_tokens":0,"completion_tokens":0,"prompt_tokens":0,"cached_tokens":0},"error":null,"temperature":0,"max_completion_tokens":0,"top_p":0,"seed":0}`)

	for content, says := range map[string]string{
		"":                            "has 0 rows",
		"{}":                          "Line 1: Missing required parameter: 'item'",
		"{\"item\":{\"q\":\"x\"}}\n[": "Line 2: We could not parse",
		`{"item":[]}`:                 "Line 1: Invalid type for 'item'",
		`{"item":{"q":"x"},"more":1}`: "Line 1: Unknown parameter: 'more'",
		`{"item":{"q":"x","q":"y"}}`:  "Line 1: The key 'item.q' appears twice",
		`{"item":{"q":"` + strings.Repeat("x", maxEvalLine) + `"}}`: "Line 1: it has more than",
		`{"item":{"q":"x"}}`:           "row 1 has no sample",
		`{"item":{"q":7},"sample":{}}`: "row 1 does not fit the eval's item_schema",
	} {
		w := do(b, "POST", "/v1/evals/eval_1/runs", fmt.Sprintf(`{"data_source":{"type":"jsonl","source":{"type":"file_id","id":%q}}}`, b.file(t, content+" ")))
		if w.Code != 400 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%.40q: %d %s, want %q", content, w.Code, w.Body, says)
		}
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// item_reference takes the messages of the row; the responses API's tools and format
// reach the model.
func TestEvalResponsesSource(t *testing.T) {
	b := newEvalBench(t)
	fieldsOf(t, do(b, "POST", "/v1/evals", `{"data_source_config":{"type":"logs","metadata":{"u":"x"}},"testing_criteria":[
		{"type":"string_check","name":"json","input":"{{sample.output_json.text}}","reference":"second","operation":"eq"}]}`), 201)
	run := fieldsOf(t, do(b, "POST", "/v1/evals/eval_1/runs", `{"data_source":{"type":"responses","model":"fake","source":{"type":"file_content","content":[
		{"item":{"log":[{"role":"user","content":"first"},{"role":"assistant","content":[{"type":"output_text","text":"ok"}]},{"role":"user","content":{"type":"input_text","text":"second"}}]}},
		{"item":{"log":"none"}}]},
		"input_messages":{"type":"item_reference","item_reference":"item.log"},
		"sampling_params":{"text":{"format":{"type":"json_schema","name":"t","schema":{"type":"object"}}},"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]}}}`), 201)["id"].(string)
	got := b.ended(t, "/v1/evals/eval_1/runs/"+run)
	sameJSON(t, string(mustJSON(t, got["result_counts"])), `{"total":2,"errored":1,"failed":0,"passed":1}`)
	r := b.fake.Requests()[0]
	if len(r.Messages) != 3 || r.Messages[1].Content[0].Text != "ok" || r.Format.Type != "json_schema" || len(r.Tools) != 1 || r.ToolChoice.Mode != "auto" || !bytes.Contains(r.Tools[0].Raw, []byte(`"function":{"name":"f"`)) {
		t.Errorf("asked %+v", r)
	}
	items := fieldsOf(t, do(b, "GET", "/v1/evals/eval_1/runs/"+run+"/output_items?status=error", ""), 200)["data"].([]any)
	sample := items[0].(map[string]any)["sample"].(map[string]any)
	if e := sample["error"].(map[string]any); e["code"] != "invalid_item" {
		t.Errorf("%v", sample)
	}
}

func TestEvalRefused(t *testing.T) {
	b := newEvalBench(t)
	criterion := func(text string) string {
		return `{"data_source_config":{"type":"custom","item_schema":{}},"testing_criteria":[{` + text + `}]}`
	}
	source := func(text string) string { return `{"data_source":{` + text + `}}` }
	rows := `"source":{"type":"file_content","content":[{"item":{"q":"x"}}]}`
	user := `"input_messages":{"type":"template","template":[{"role":"user","content":"x"}]}`
	fieldsOf(t, do(b, "POST", "/v1/evals", echoEval), 201)
	const evals, runs = "/v1/evals", "/v1/evals/eval_1/runs"
	for _, c := range []struct{ path, body, want string }{
		{evals, `{}`, "data_source_config missing_required_parameter"},
		{evals, `{"data_source_config":{"type":"custom"},"testing_criteria":[]}`, "data_source_config.item_schema missing_required_parameter"},
		{evals, `{"data_source_config":{"type":"other"},"testing_criteria":[]}`, "data_source_config.type invalid_value"},
		{evals, `{"data_source_config":{"type":"custom","item_schema":{}},"testing_criteria":[]}`, "testing_criteria invalid_value"},
		{evals, `{"data_source_config":{"type":"custom","item_schema":{"type":3}},"testing_criteria":[{"type":"string_check","name":"n","input":"","reference":"","operation":"eq"}]}`, "data_source_config.item_schema invalid_value"},
		{evals, criterion(`"type":"python","name":"p","source":"x"`), "testing_criteria[0].type unsupported_value"},
		{evals, criterion(`"type":"multi","name":"m","calculate_output":"a","graders":{"a":{"type":"string_check","name":"n","input":"","reference":"","operation":"eq"}}`), "testing_criteria[0].type invalid_value"},
		{evals, criterion(`"type":"string_check","name":"n","input":"{{nope}}","reference":"","operation":"eq"`), "testing_criteria[0].input invalid_value"},
		{evals, criterion(`"type":"string_check","name":"n","input":"","reference":"","operation":"is"`), "testing_criteria[0].operation invalid_value"},
		{evals, criterion(`"type":"string_check","name":"n","input":"","reference":"","operation":"eq","x":1`), "testing_criteria[0].x unknown_parameter"},
		{evals, criterion(`"type":"text_similarity","name":"n","input":"","reference":"","evaluation_metric":"bleu"`), "testing_criteria[0].pass_threshold missing_required_parameter"},
		{evals, criterion(`"type":"label_model","name":"n","model":"fake","input":[{"role":"user","content":"x"}],"labels":["a"],"passing_labels":["b"]`), "testing_criteria[0].passing_labels invalid_value"},
		{evals, criterion(`"type":"score_model","name":"n","model":"fake","input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]`), "testing_criteria[0].input[0].content[0].type unsupported_value"},
		{evals, criterion(`"type":"score_model","name":"n","model":"fake","range":[1],"input":[{"role":"user","content":"x"}]`), "testing_criteria[0].range invalid_value"},
		{runs, `{}`, "data_source missing_required_parameter"},
		{runs, source(`"type":"csv"`), "data_source.type invalid_value"},
		{runs, source(`"type":"jsonl"`), "data_source.source missing_required_parameter"},
		{runs, source(`"type":"completions",` + rows), "data_source.model missing_required_parameter"},
		{runs, source(`"type":"completions","model":"fake",` + rows), "data_source.input_messages missing_required_parameter"},
		{runs, source(`"type":"completions","model":"nobody",` + user + `,` + rows), "model model_not_found"},
		{runs, source(`"type":"completions","model":"fake",` + user + `,"source":{"type":"stored_completions"}`), "data_source.source.type unsupported_value"},
		{runs, source(`"type":"completions","model":"fake","sampling_params":{"temperature":3},` + user + `,` + rows), "data_source.sampling_params.temperature decimal_above_max_value"},
		{runs, source(`"type":"completions","model":"fake","sampling_params":{"reasoning_effort":"high"},` + user + `,` + rows), "data_source.sampling_params.reasoning_effort unsupported_parameter"},
		{runs, source(`"type":"completions","model":"fake","input_messages":{"type":"template","template":[{"role":"tool","content":"x"}]},` + rows), "data_source.input_messages.template[0].role invalid_value"},
		{runs, source(`"type":"completions","model":"fake","input_messages":{"type":"template","template":[]},` + rows), "data_source.input_messages.template empty_array"},
	} {
		param, code, _ := strings.Cut(c.want, " ")
		status := 400
		if code == "model_not_found" {
			status = 404
		}
		wantError(t, do(b, "POST", c.path, c.body), status, invalidRequest, param, code)
	}
	none, _ := newTest(t)
	wantError(t, do(none, "GET", "/v1/evals", ""), 409, invalidRequest, "", "evals_unavailable")
}

func TestGraderRun(t *testing.T) {
	b := newEvalBench(t)
	b.fake.Answer = nil
	check := `{"type":"string_check","name":"n","input":"{{sample.output_text}}","reference":"{{item.a}}","operation":"eq"}`
	sameJSON(t, do(b, "POST", "/v1/fine_tuning/alpha/graders/validate", `{"grader":`+check+`}`).Body.String(), `{"grader":`+check+`}`)
	w := do(b, "POST", "/v1/fine_tuning/alpha/graders/run", `{"grader":`+check+`,"model_sample":"x","item":{"a":"x"}}`)
	got := fieldsOf(t, w, 200)
	meta := got["metadata"].(map[string]any)
	if seconds, ok := meta["execution_time"].(float64); !ok || seconds < 0 {
		t.Errorf("execution_time %v", meta)
	}
	if err := schemas(t)("GraderRun").Validate(parse(t, w.Body.String())); err != nil {
		t.Error(err)
	}
	meta["execution_time"] = 0
	sameJSON(t, string(mustJSON(t, got)), `{"reward":1,"metadata":{"name":"n","type":"string_check","errors":{"formula_parse_error":false,"invalid_variable_error":false,
		"model_grader_parse_error":false,"model_grader_refusal_error":false,"model_grader_server_error":false,"model_grader_server_error_details":null,"other_error":false,
		"python_grader_runtime_error":false,"python_grader_runtime_error_details":null,"python_grader_server_error":false,"python_grader_server_error_type":null,
		"sample_parse_error":false,"truncated_observation_error":false,"unresponsive_reward_error":false},"execution_time":0,"scores":{"n":1},"token_usage":null,
		"sampled_model_name":null},"sub_rewards":{},"model_grader_token_usage_per_model":{}}`)

	flags := func(grader, item string) (reward float64, set string) {
		t.Helper()
		got := fieldsOf(t, do(b, "POST", "/v1/fine_tuning/alpha/graders/run", `{"grader":`+grader+`,"model_sample":"x","item":`+item+`}`), 200)
		for name, v := range got["metadata"].(map[string]any)["errors"].(map[string]any) {
			if v == true {
				set += name
			}
		}
		return got["reward"].(float64), set
	}
	score := `{"type":"score_model","name":"s","model":"fake","range":[0,10],"input":[{"role":"user","content":"{{item.said}}"}]}`
	multi := `{"type":"multi","name":"m","calculate_output":"log(a)","graders":{"a":` + check + `}}`
	cosine := strings.Replace(strings.Replace(check, `"string_check"`, `"text_similarity"`, 1), `"operation":"eq"`, `"evaluation_metric":"cosine"`, 1)
	for _, c := range []struct {
		grader, item, flag string
		reward             float64
	}{
		{check, `{}`, "invalid_variable_error", 0},
		{check, `[]`, "invalid_variable_error", 0},
		{multi, `{"a":"no"}`, "formula_parse_error", 0},
		{multi, `{"a":"x"}`, "", 0},
		{score, `{"said":"7"}`, "model_grader_parse_error", 0}, // the fake answers {"text":"7"}
		{cosine, `{"a":"x"}`, "", 1},
	} {
		if reward, flag := flags(c.grader, c.item); reward != c.reward || flag != c.flag {
			t.Errorf("%s of %s: %v %s", c.grader, c.item, reward, flag)
		}
	}
	b.fake.Answer = nil
	wantError(t, do(b, "POST", "/v1/fine_tuning/alpha/graders/run", `{"grader":`+check+`}`), 400, invalidRequest, "model_sample", "missing_required_parameter")
}

// No line makes the reader of rows panic, and what it takes is JSON.
func FuzzEvalRows(f *testing.F) {
	for _, s := range []string{"", "{}", `{"item":{"a":1}}` + "\n" + `{"item":{},"sample":{"output_text":"x"}}`, "\ufeff{\"item\":{}}\r\n", "{\"item\":{\"\xff\":1}}", `{"item":{"a":[[[[]]]]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		rows, err := readRows(bytes.NewReader(content), true)
		if err != nil {
			return
		}
		for _, r := range rows {
			if !json.Valid(r.Item) || r.Sample != nil && !json.Valid(r.Sample) {
				t.Errorf("row %s %s", r.Item, r.Sample)
			}
		}
	})
}

func fuzzEvals(f *testing.F, method, path string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	b := newEvalBench(f)
	fieldsOf(f, do(b, "POST", "/v1/evals", echoEval), 201)
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return
		}
		w := do(b, method, path, string(body))
		if w.Code >= http.StatusInternalServerError || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	})
}

func FuzzEvalRequest(f *testing.F)    { fuzzEvals(f, "POST", "/v1/evals", echoEval) }
func FuzzEvalRunRequest(f *testing.F) { fuzzEvals(f, "POST", "/v1/evals/eval_1/runs", echoRun) }
func FuzzGraderRunRequest(f *testing.F) {
	fuzzEvals(f, "POST", "/v1/fine_tuning/alpha/graders/run", `{"grader":{"type":"multi","name":"m","calculate_output":"a","graders":{"a":{"type":"string_check","name":"n","input":"{{item.a[0]}}","reference":"","operation":"eq"}}},"model_sample":"x","item":{"a":[1]}}`)
}
