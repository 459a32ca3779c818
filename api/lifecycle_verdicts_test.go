package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"graft/adapters"
	"graft/evalharness"
	"graft/evalharness/metrics"
	"graft/evalharness/stats"
)

// resultOf is an evaluation in which the adapter has so many of 40 cases right, and its
// base's best prompt half of them.
func resultOf(t *testing.T, id, generation, base string, right int) string {
	t.Helper()
	answer := func(i int, ok bool) evalharness.Answer {
		text := "no"
		if ok {
			text = "yes"
		}
		return evalharness.Answer{Case: fmt.Sprint(i), Output: text, Scores: map[string]float64{}}
	}
	res := &evalharness.Result{
		Schema: evalharness.Schema, ID: id, Name: "colours",
		Settings: evalharness.Settings{Primary: "accuracy", Margin: .05, Labels: []string{"yes", "no"}, Base: base, Seed: 1,
			Metrics: []evalharness.Metric{{Name: "accuracy", Kind: "binary", Scale: 1}}},
		Arms: []evalharness.Arm{{Name: "adapter", Kind: evalharness.KindAdapter, Generation: generation}, {Name: "best_prompt", Kind: evalharness.KindBestPrompt}},
	}
	for i := range 40 {
		res.Gold.Cases = append(res.Gold.Cases, evalharness.Case{ID: fmt.Sprint(i), References: []string{"yes"}})
		res.Arms[0].Answers = append(res.Arms[0].Answers, answer(i, i < right))
		res.Arms[1].Answers = append(res.Arms[1].Answers, answer(i, i%2 == 0))
	}
	m, err := metrics.New("accuracy", metrics.Options{Labels: res.Settings.Labels})
	if err != nil {
		t.Fatal(err)
	}
	res.Settings.Metrics[0].Signature = m.Signature
	c, err := evalharness.CompareRuns(t.Context(), res, "adapter", res, "best_prompt", "")
	if err != nil {
		t.Fatal(err)
	}
	c.Primary = true
	res.Comparisons = []evalharness.Comparison{*c}
	text, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A name that demands a clear win is promoted when an evaluation of that generation on
// its base has shown one, and not before.
func TestPromoteDemandsVerdict(t *testing.T) {
	if adapters.ClearWin != stats.ClearWin {
		t.Fatalf("a clear win is %q here and %q there", adapters.ClearWin, stats.ClearWin)
	}
	b := newBench(t)
	const path = "/v1/lora_adapters"
	b.ask(t, 201, "POST", path, `{"name":"support","path":"one","settings":{"require_verdict":true}}`)
	b.ask(t, 201, "POST", path, `{"name":"support","path":"two","stage":true}`)
	if got := b.ask(t, 200, "GET", path+"/support", ""); got["needs_verdict"] != true || got["verdicts"] != nil {
		t.Errorf("before: %v", got)
	}
	refused := func(body, text string) {
		t.Helper()
		w := do(b, "POST", path+"/support/promote", body)
		m := wantError(t, w, 409, "invalid_request_error", "", "verdict_required")
		if !strings.Contains(m, text) || w.Header().Get("x-should-retry") != "false" {
			t.Errorf("%s: %s, without %q; headers %v", body, m, text, w.Header())
		}
	}
	refused("", "it was not evaluated")
	refused("", "support@"+b.two.Generation[7:19])
	refused(`{"run":"eval_x"}`, "no evaluation eval_x of it is recorded")

	for what, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"no result":          {`{"schema":"x"}`, 400, "invalid_result"},
		"no comparison":      {`{"schema":"graft.eval/1"}`, 422, "unproven_result"},
		"another verdict":    {strings.Replace(resultOf(t, "eval_0", b.two.Generation, "fake", 20), `"NOT ENOUGH"`, `"CLEAR WIN"`, 1), 422, "unproven_result"},
		"another base":       {resultOf(t, "eval_0", b.two.Generation, "fake-base", 40), 422, "invalid_lora_adapter"},
		"another generation": {resultOf(t, "eval_0", gen("9"), "fake", 40), 404, "lora_adapter_not_found"},
		"no generation":      {resultOf(t, "eval_0", "the best one", "fake", 40), 400, "invalid_generation"},
	} {
		t.Run(what, func(t *testing.T) {
			w := do(b, "POST", path+"/support/verdicts", c.body)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.code) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.code)
			}
		})
	}
	record := func(id string, right int, outcome string) {
		t.Helper()
		got := b.ask(t, 201, "POST", path+"/support/verdicts", resultOf(t, id, b.two.Generation, "fake", right))
		if v, _ := got["verdict"].(map[string]any); v["outcome"] != outcome || v["run"] != id || v["cases"] != 40.0 {
			t.Errorf("%v, want %s", got, outcome)
		}
	}
	record("eval_1", 2, "LOSS")
	refused("", "colours ended with LOSS (eval_1)")
	record("eval_2", 40, "CLEAR WIN")
	b.ask(t, 200, "POST", path+"/support/promote", `{"run":"eval_2"}`)
	b.want(t, "support two")
	got := b.ask(t, 200, "GET", path+"/support/verdicts", "")
	if list, _ := got["data"].([]any); len(list) != 2 || got["generation"] != b.two.Generation {
		t.Errorf("%v", got)
	}
	if got := b.ask(t, 200, "GET", path+"/support", ""); len(got["verdicts"].([]any)) != 2 {
		t.Errorf("%v", got)
	}

	b.ask(t, 200, "POST", path+"/support/rollback", "")
	b.want(t, "support one")
	w := do(b, "PATCH", path+"/support", `{"settings":{"require_verdict":null}}`)
	if fieldsOf(t, w, 200)["needs_verdict"] != nil {
		t.Errorf("taken away: %s", w.Body)
	}
	b.ask(t, 200, "PATCH", path+"/support", `{"settings":{"require_verdict":true}}`)
	b.ask(t, 201, "POST", path, `{"name":"support","path":"two","replace":true}`) // proven: eval_2
	b.ask(t, 201, "POST", path, `{"name":"other","path":"one"}`)
	refused(`{"from":"other"}`, "other@"+b.one.Generation[7:19])
	b.ask(t, 200, "POST", path+"/support/promote", `{"from":"other","force":true}`)
	b.want(t, "other one", "support one")
	events := b.ask(t, 200, "GET", path+"/support/history", "")["data"].([]any)
	if note := events[0].(map[string]any)["note"]; note != "forced: it was not evaluated" {
		t.Errorf("the history says %q", note)
	}
}
