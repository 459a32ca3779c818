package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"graft/evalharness/evals"
	"graft/internal/store"
	"graft/serving/servingtest"
)

// evalBench is an API with a service of evals that works, and a clock that stands still.
type evalBench struct {
	http.Handler
	service *evals.Service
	store   *store.Store
	fake    *servingtest.Fake
}

func newEvalBench(t testing.TB, change ...func(*Deps)) *evalBench {
	t.Helper()
	b := &evalBench{}
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b.store = s
	var count atomic.Int64
	b.service = evals.New(evals.Options{Store: s, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
		ID: func(prefix string) string { return fmt.Sprintf("%s%d", prefix, count.Add(1)) }})
	b.Handler, b.fake = newTest(t, append([]func(*Deps){func(d *Deps) { d.Evals, d.Files = b.service, s }}, change...)...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.service.Work(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return b
}

// ended waits for a run and returns it.
func (b *evalBench) ended(t testing.TB, path string) map[string]any {
	t.Helper()
	return waitFor(t, func() *httptest.ResponseRecorder { return do(b, "GET", path, "") })
}

func waitFor(t testing.TB, get func() *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	for range 2000 {
		got := fieldsOf(t, get(), 200)
		if s := got["status"]; s != "queued" && s != "in_progress" {
			return got
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the run does not end")
	return nil
}

var uuids = regexp.MustCompile(`-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// plain is a body with every uuid as UUID.
func plain(w *httptest.ResponseRecorder) string {
	return uuids.ReplaceAllString(w.Body.String(), "-UUID")
}

const echoEval = `{"name":"echo","metadata":{"k":"v"},
	"data_source_config":{"type":"custom","item_schema":{"type":"object","properties":{"q":{"type":"string"},"a":{"type":"string"}},"required":["q"]},"include_sample_schema":true},
	"testing_criteria":[{"type":"string_check","name":"match","input":"{{ sample.output_text }}","reference":"{{ item.a }}","operation":"eq"}]}`

func TestEvals(t *testing.T) {
	b := newEvalBench(t)
	w := do(b, "POST", "/v1/evals", echoEval)
	if w.Code != 201 {
		t.Errorf("status %d", w.Code)
	}
	made := `{"object":"eval","id":"eval_1","created_at":1800000000,"name":"echo","metadata":{"k":"v"},
		"data_source_config":{"type":"custom","schema":{"type":"object","properties":{
			"item":{"type":"object","properties":{"q":{"type":"string"},"a":{"type":"string"}},"required":["q"]},"sample":` + sampleSchema + `},"required":["item"]}},
		"testing_criteria":[{"id":"match-UUID","type":"string_check","name":"match","input":"{{ sample.output_text }}","reference":"{{ item.a }}","operation":"eq"}]}`
	sameJSON(t, plain(w), made)
	sameJSON(t, plain(do(b, "GET", "/v1/evals/eval_1", "")), made)

	// What GET returns can be sent again, for another server.
	copied := do(b, "POST", "/v1/evals", do(b, "GET", "/v1/evals/eval_1", "").Body.String())
	sameJSON(t, plain(copied), strings.Replace(made, "eval_1", "eval_2", 1))

	changed := do(b, "POST", "/v1/evals/eval_1", `{"name":"other"}`)
	sameJSON(t, plain(changed), strings.Replace(made, `"name":"echo"`, `"name":"other"`, 1))
	wantError(t, do(b, "POST", "/v1/evals/eval_1", `{"testing_criteria":[]}`), 400, invalidRequest, "testing_criteria", "unknown_parameter")

	for query, want := range map[string]string{
		"":                              "eval_1 eval_2 false",
		"?limit=1":                      "eval_1 eval_1 true",
		"?limit=1&after=eval_1":         "eval_2 eval_2 false",
		"?order=desc":                   "eval_2 eval_1 false",
		"?order=desc&after=eval_2":      "eval_1 eval_1 false",
		"?order_by=updated_at&limit=2":  "eval_1 eval_2 false",
		"?order_by=created_at&limit=20": "eval_1 eval_2 false",
	} {
		got := fieldsOf(t, do(b, "GET", "/v1/evals"+query, ""), 200)
		if s := fmt.Sprint(got["first_id"], " ", got["last_id"], " ", got["has_more"]); s != want || got["object"] != "list" {
			t.Errorf("%s: %s, want %s", query, s, want)
		}
	}
	wantError(t, do(b, "GET", "/v1/evals?after=eval_9", ""), 400, invalidRequest, "after", "invalid_value")

	sameJSON(t, do(b, "DELETE", "/v1/evals/eval_1", "").Body.String(), `{"object":"eval.deleted","deleted":true,"eval_id":"eval_1"}`)
	for _, ask := range []string{"GET /v1/evals/eval_1", "DELETE /v1/evals/eval_1", "GET /v1/evals/eval_1/runs", "POST /v1/evals/eval_1/runs", "GET /v1/evals/eval_1/runs/x/output_items"} {
		method, path, _ := strings.Cut(ask, " ")
		wantError(t, do(b, method, path, ""), 404, invalidRequest, "eval_id", "eval_not_found")
	}
	sameJSON(t, do(b, "GET", "/v1/evals?after=eval_2", "").Body.String(), `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}`)
}

const echoRun = `{"name":"first","metadata":{"r":"1"},"data_source":{"type":"completions","model":"fake",
	"source":{"type":"file_content","content":[{"item":{"q":"yes","a":"yes"}},{"item":{"q":"no","a":"yes"}},{"item":{"q":"lost"}}]},
	"input_messages":{"type":"template","template":[{"role":"system","content":"echo"},{"role":"user","content":{"type":"input_text","text":"{{item.q}}"}}]},
	"sampling_params":{"temperature":0.5,"max_completion_tokens":9,"seed":7}}}`

func TestEvalRun(t *testing.T) {
	b := newEvalBench(t)
	do(b, "POST", "/v1/evals", echoEval)
	w := do(b, "POST", "/v1/evals/eval_1/runs", echoRun)
	if w.Code != 201 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	source := fieldsOf(t, w, 201)["data_source"]
	if source.(map[string]any)["model"] != "fake" {
		t.Errorf("data source %v", source)
	}
	run := "/v1/evals/eval_1/runs/evalrun_2"
	b.ended(t, run)
	raw := echoRun[strings.Index(echoRun, `"data_source":`)+len(`"data_source":`) : len(echoRun)-1]
	sameJSON(t, plain(do(b, "GET", run, "")), `{"object":"eval.run","id":"evalrun_2","eval_id":"eval_1","report_url":"http://example.com/v1/evals/eval_1/runs/evalrun_2/report",
		"status":"completed","model":"fake","name":"first","created_at":1800000000,"error":null,"metadata":{"r":"1"},
		"result_counts":{"total":3,"errored":1,"failed":1,"passed":1},
		"per_model_usage":[{"model_name":"fake","invocation_count":3,"prompt_tokens":16,"completion_tokens":4,"total_tokens":20,"cached_tokens":0}],
		"per_testing_criteria_results":[{"testing_criteria":"match-UUID","passed":1,"failed":1}],"data_source":`+raw+`}`)

	item := `{"object":"eval.run.output_item","id":"outputitem_3","created_at":1800000000,"run_id":"evalrun_2","eval_id":"eval_1","status":"pass",
		"datasource_item_id":0,"datasource_item":{"q":"yes","a":"yes"},
		"results":[{"name":"match-UUID","type":"string_check","score":1,"passed":true,"sample":null}],
		"sample":{"input":[{"role":"system","content":"echo"},{"role":"user","content":"yes"}],"output":[{"role":"assistant","content":"yes"}],
		"finish_reason":"stop","model":"fake","usage":{"total_tokens":6,"completion_tokens":1,"prompt_tokens":5,"cached_tokens":0},"error":null,
		"temperature":0.5,"max_completion_tokens":9,"top_p":1,"seed":7}}`
	sameJSON(t, plain(do(b, "GET", run+"/output_items/outputitem_3", "")), item)
	sameJSON(t, plain(do(b, "GET", run+"/output_items?status=pass", "")), `{"object":"list","data":[`+item+`],"first_id":"outputitem_3","last_id":"outputitem_3","has_more":false}`)
	lost := fieldsOf(t, do(b, "GET", run+"/output_items/outputitem_5", ""), 200)
	result := lost["results"].([]any)[0].(map[string]any)
	if code := result["error"].(map[string]any)["code"]; lost["status"] != "error" || code != "invalid_variable" {
		t.Errorf("a row without item.a: %v", lost)
	}
	for query, want := range map[string]string{
		"":                                   "outputitem_3 outputitem_5 false",
		"?limit=2":                           "outputitem_3 outputitem_4 true",
		"?after=outputitem_4":                "outputitem_5 outputitem_5 false",
		"?order=desc&limit=1":                "outputitem_5 outputitem_5 true",
		"?status=fail":                       "outputitem_4 outputitem_4 false",
		"?order=desc&after=outputitem_5":     "outputitem_4 outputitem_3 false",
		"?status=error&order=desc&limit=100": "outputitem_5 outputitem_5 false",
	} {
		got := fieldsOf(t, do(b, "GET", run+"/output_items"+query, ""), 200)
		if s := fmt.Sprint(got["first_id"], " ", got["last_id"], " ", got["has_more"]); s != want {
			t.Errorf("%s: %s, want %s", query, s, want)
		}
	}
	wantError(t, do(b, "GET", run+"/output_items?after=x", ""), 400, invalidRequest, "after", "invalid_value")
	wantError(t, do(b, "GET", run+"/output_items/x", ""), 404, invalidRequest, "output_item_id", "output_item_not_found")
	wantError(t, do(b, "GET", "/v1/evals/eval_1/runs/x", ""), 404, invalidRequest, "run_id", "eval_run_not_found")
	wantError(t, do(b, "POST", run, ""), 400, invalidRequest, "run_id", "invalid_run_state")

	got := fieldsOf(t, do(b, "GET", "/v1/evals/eval_1/runs?status=completed", ""), 200)
	if len(got["data"].([]any)) != 1 {
		t.Errorf("completed runs: %v", got)
	}
	got = fieldsOf(t, do(b, "GET", "/v1/evals/eval_1/runs?status=canceled", ""), 200)
	if len(got["data"].([]any)) != 0 {
		t.Errorf("canceled runs: %v", got)
	}
	sameJSON(t, do(b, "DELETE", run, "").Body.String(), `{"object":"eval.run.deleted","deleted":true,"run_id":"evalrun_2"}`)
	wantError(t, do(b, "GET", run, ""), 404, invalidRequest, "run_id", "eval_run_not_found")
}
