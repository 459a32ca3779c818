package api

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"graft/adapters"
	"graft/evalharness/evals"
	"graft/evalharness/graders"
	"graft/internal/chat"
	"graft/serving"
	"graft/serving/servingtest"
)

// runOf is a run of a model over n rows.
func runOf(model string, n int) string {
	row := `{"item":{"q":"x","a":"x"}}`
	return fmt.Sprintf(`{"data_source":{"type":"completions","model":%q,"source":{"type":"file_content","content":[%s]},"input_messages":{"type":"template","template":[{"role":"user","content":"{{item.q}}"}]}}}`,
		model, strings.TrimSuffix(strings.Repeat(row+",", n), ","))
}

// endedAs waits for a run of a key.
func (b *evalBench) endedAs(t *testing.T, key, path string) map[string]any {
	t.Helper()
	return waitFor(t, func() *httptest.ResponseRecorder { return doAs(b, key, "GET", path, "") })
}

// Runs belong to the key that made them, and may ask what this key may ask.
func TestEvalAccess(t *testing.T) {
	registry := &fakeRegistry{}
	temperature := float32(0.25)
	registry.put("poet", "fake", "a", adapters.Settings{Keys: []string{"ann"}, System: "rhyme", Temperature: &temperature})
	b := newEvalBench(t, withKeys, func(d *Deps) { d.registry = registry })
	t.Cleanup(func() {
		if _, open := registry.counts(); open != 0 {
			t.Errorf("%d leases are not released", open)
		}
	})
	judge := `{"type":"label_model","name":"judge","model":"poet","input":[{"role":"user","content":"good"}],"labels":["good"],"passing_labels":["good"]}`
	for _, key := range []string{"ann", "bob"} {
		fieldsOf(t, doAs(b, key, "POST", "/v1/evals", echoEval), 201)
	}
	fieldsOf(t, doAs(b, "bob", "POST", "/v1/evals", strings.Replace(echoEval, `[{"type":"string_check"`, `[`+judge+`,{"type":"string_check"`, 1)), 201)

	// Bob knows no poet: neither as the model nor as a grader of his.
	for _, ask := range []struct{ path, body string }{
		{"/v1/evals/eval_2/runs", runOf("poet", 1)}, {"/v1/evals/eval_2/runs", runOf("poet@aaaaaaaa", 1)}, {"/v1/evals/eval_3/runs", runOf("fake", 1)},
		{"/v1/fine_tuning/alpha/graders/validate", `{"grader":` + judge + `}`}, {"/v1/fine_tuning/alpha/graders/run", `{"grader":` + judge + `,"model_sample":"x"}`},
	} {
		says := wantError(t, doAs(b, "bob", "POST", ask.path, ask.body), 404, invalidRequest, "model", "model_not_found")
		if _, listed, _ := strings.Cut(says, "Available:"); strings.Contains(listed, "poet") {
			t.Errorf("bob is told of the poet: %s", says)
		}
	}
	run := fieldsOf(t, doAs(b, "ann", "POST", "/v1/evals/eval_1/runs", runOf("poet", 2)), 201)["id"].(string)
	path := "/v1/evals/eval_1/runs/" + run
	got := b.endedAs(t, "ann", path)
	if got["status"] != "completed" || got["model"] != "poet" {
		t.Errorf("ann's run: %v", got)
	}
	asked := b.fake.Requests()
	r := asked[len(asked)-1]
	if uses(r) != "fake aa*1" || r.Client != "key_1" || r.Owner != "key_1" || r.Messages[0].Content[0].Text != "rhyme" || r.Sampling.Temperature != .25 || *r.Sampling.Seed != defaultSeed {
		t.Errorf("asked %s %+v", uses(r), r)
	}
	for _, key := range []string{"bob", "admin"} {
		for _, ask := range []string{"GET " + path, "POST " + path, "DELETE " + path, "GET " + path + "/output_items", "GET " + path + "/report", "GET /v1/evals/eval_1", "DELETE /v1/evals/eval_1", "POST /v1/evals/eval_1/comparisons"} {
			method, path, _ := strings.Cut(ask, " ")
			body := ""
			if strings.HasSuffix(path, "comparisons") {
				body = `{"arms":["` + run + `","` + run + `"]}`
			}
			wantError(t, doAs(b, key, method, path, body), 404, invalidRequest, "eval_id", "eval_not_found")
		}
	}
	if w := do(b, "GET", path, ""); w.Code != 401 {
		t.Errorf("without a key: %d", w.Code)
	}

	// A file of another key is none.
	w := doAs(b, "ann", "POST", "/v1/evals/eval_1/runs", `{"data_source":{"type":"jsonl","source":{"type":"file_id","id":"file-1"}}}`)
	wantError(t, w, 400, invalidRequest, "data_source.source.id", "file_not_found")

	// A generation that the name stood for before.
	registry.put("poet", "fake", "b", adapters.Settings{Keys: []string{"ann"}})
	run = fieldsOf(t, doAs(b, "ann", "POST", "/v1/evals/eval_1/runs", runOf("poet@aaaaaaaa", 1)), 201)["id"].(string)
	b.endedAs(t, "ann", "/v1/evals/eval_1/runs/"+run)
	asked = b.fake.Requests()
	if got := uses(asked[len(asked)-1]); got != "fake aa*1" {
		t.Errorf("asked %s", got)
	}
}

// An adapter that is taken away ends the run that needs it.
func TestEvalAdapterGone(t *testing.T) {
	registry := &fakeRegistry{}
	registry.put("poet", "fake", "a", adapters.Settings{})
	b := newEvalBench(t, func(d *Deps) { d.registry = registry })
	gate := make(chan struct{})
	b.fake.Err = func(*serving.Request) error {
		<-gate
		return nil
	}
	fieldsOf(t, do(b, "POST", "/v1/evals", echoEval), 201)
	run := fieldsOf(t, do(b, "POST", "/v1/evals/eval_1/runs", runOf("poet", 40)), 201)["id"].(string)
	if err := registry.Delete(t.Context(), "poet", adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	close(gate)
	got := b.ended(t, "/v1/evals/eval_1/runs/"+run)
	if e, _ := got["error"].(map[string]any); got["status"] != "failed" || e["code"] != "model_not_found" {
		t.Errorf("%v", got)
	}
}

// The limits of an adapter hold for runs too: one more is to come later.
func TestEvalLimits(t *testing.T) {
	registry := &fakeRegistry{}
	registry.put("poet", "fake", "a", adapters.Settings{RequestsPerMinute: 2})
	fake := servingtest.NewFake()
	m := evalModels{&server{Deps: Deps{Backend: fake, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }}, models: fake, registry: registry}}
	ask := func(key string) error {
		_, err := m.Ask(t.Context(), evals.Client{ID: key}, graders.Question{Model: "poet", Messages: []chat.Message{chat.Text("user", "x")}})
		return err
	}
	for i := range 2 {
		if err := ask("ann"); err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if err := ask("ann"); !errors.Is(err, serving.ErrOverloaded) {
		t.Errorf("the third request: %v", err)
	}
	if err := ask("bob"); err != nil {
		t.Errorf("another key: %v", err)
	}
	if _, open := registry.counts(); open != 0 {
		t.Errorf("%d leases are not released", open)
	}
}
