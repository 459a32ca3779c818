package api

import (
	"fmt"
	"strings"
	"testing"
)

// givenAnswers is a run of given answers: the first right ones of n say yes.
func givenAnswers(n, right int) string {
	var rows []string
	for i := range n {
		say := "no"
		if i < right {
			say = "yes"
		}
		rows = append(rows, fmt.Sprintf(`{"item":{"q":"%d","a":"yes"},"sample":{"output_text":%q}}`, i, say))
	}
	return `{"name":"` + fmt.Sprint(right) + `","data_source":{"type":"jsonl","source":{"type":"file_content","content":[` + strings.Join(rows, ",") + `]}}}`
}

// The p-value is that of 2·Σ_{k≤0} C(20,k)/2^20 less half of its last term, 2^-20:
// McNemar's mid-p of 20 wins and no loss.
func TestEvalComparison(t *testing.T) {
	b := newEvalBench(t)
	id := fieldsOf(t, do(b, "POST", "/v1/evals", echoEval), 201)["id"].(string)
	var runs []string
	for _, right := range []int{35, 15, 35} {
		run := fieldsOf(t, do(b, "POST", "/v1/evals/"+id+"/runs", givenAnswers(40, right)), 201)["id"].(string)
		b.ended(t, "/v1/evals/"+id+"/runs/"+run)
		runs = append(runs, run)
	}
	compare := func(body string) map[string]any {
		t.Helper()
		return fieldsOf(t, do(b, "POST", "/v1/evals/"+id+"/comparisons", body), 200)
	}
	got := compare(fmt.Sprintf(`{"arms":[%q,%q],"primary":"match","margin":0.1,"guards":["match"]}`, runs[0], runs[1]))
	v := got["verdict"].(map[string]any)
	for key, want := range map[string]any{"outcome": "CLEAR WIN", "diff": .5, "n": 40., "wins": 20., "losses": 0., "ties": 20., "margin": .1, "p": 1. / (1 << 20)} {
		if v[key] != want {
			t.Errorf("%s is %v, want %v", key, v[key], want)
		}
	}
	arm := got["arms"].([]any)[0].(map[string]any)
	if got["object"] != "eval.comparison" || arm["run_id"] != runs[0] || arm["mean"] != .875 || arm["name"] != "35" {
		t.Errorf("%v", got)
	}
	if err := schemas(t)("EvalComparison").Validate(got); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ a, b, outcome string }{{runs[1], runs[0], "LOSS"}, {runs[0], runs[2], "TIE"}} {
		v := compare(fmt.Sprintf(`{"arms":[%q,%q],"margin":0.2}`, c.a, c.b))["verdict"].(map[string]any)
		if v["outcome"] != c.outcome {
			t.Errorf("%s against %s: %v", c.a, c.b, v)
		}
	}
	// Not the same rows; and a row without an answer.
	run := fieldsOf(t, do(b, "POST", "/v1/evals/"+id+"/runs", givenAnswers(39, 3)), 201)["id"].(string)
	b.ended(t, "/v1/evals/"+id+"/runs/"+run)
	if v := compare(fmt.Sprintf(`{"arms":[%q,%q]}`, runs[0], run))["verdict"].(map[string]any); v["outcome"] != "INVALID" || !strings.Contains(v["reason"].(string), "pair") {
		t.Errorf("other rows: %v", v)
	}
	lost := strings.Replace(givenAnswers(40, 35), `"output_text":"yes"`, `"x":"yes"`, 1)
	run = fieldsOf(t, do(b, "POST", "/v1/evals/"+id+"/runs", lost), 201)["id"].(string)
	b.ended(t, "/v1/evals/"+id+"/runs/"+run)
	if v := compare(fmt.Sprintf(`{"arms":[%q,%q]}`, run, runs[1]))["verdict"].(map[string]any); v["outcome"] != "INVALID" {
		t.Errorf("one of 40 rows without a result: %v", v)
	}
	for body, want := range map[string]string{
		`{}`: "arms missing_required_parameter", `{"arms":["x"]}`: "arms invalid_value", `{"arms":["x","y","z"]}`: "arms array_above_max_length",
		fmt.Sprintf(`{"arms":[%q,%q],"primary":"other"}`, runs[0], runs[1]): "primary invalid_value",
		fmt.Sprintf(`{"arms":[%q,%q],"guards":["x"]}`, runs[0], runs[1]):    "guards[0] invalid_value",
		fmt.Sprintf(`{"arms":[%q,%q],"margin":0}`, runs[0], runs[1]):        "margin decimal_below_min_value",
	} {
		param, code, _ := strings.Cut(want, " ")
		wantError(t, do(b, "POST", "/v1/evals/"+id+"/comparisons", body), 400, invalidRequest, param, code)
	}
	wantError(t, do(b, "POST", "/v1/evals/"+id+"/comparisons", `{"arms":["x","y"]}`), 404, invalidRequest, "run_id", "eval_run_not_found")
}

// The report escapes what models and clients write, and has the right address.
func TestEvalReport(t *testing.T) {
	b := newEvalBench(t)
	fieldsOf(t, do(b, "POST", "/v1/evals", strings.Replace(echoEval, `"name":"echo"`, `"name":"<script>x</script>"`, 1)), 201)
	run := fieldsOf(t, do(b, "POST", "/v1/evals/eval_1/runs", strings.ReplaceAll(givenAnswers(201, 3), `"yes"`, `"<img src=x>"`)), 201)
	b.ended(t, "/v1/evals/eval_1/runs/evalrun_2")
	path := strings.TrimPrefix(run["report_url"].(string), "http://example.com")
	w := do(b, "GET", path, "")
	text := w.Body.String()
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if strings.Contains(text, "<script>") || strings.Contains(text, "<img") || !strings.Contains(text, "COMPLETED") || !strings.Contains(text, "&lt;script&gt;") || !strings.Contains(text, "&lt;img") || !strings.Contains(text, "201 of 201") {
		t.Errorf("the page: %.600s", text)
	}
	for _, want := range []string{"1.5 %", "0.5 % to 4.3 %", `<span class="tag">pass</span>`, "3 passed, 198 failed, 0 without a result"} { // statsmodels: Wilson of 3 in 201
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(text, `<details class="case`); n != reportRows || !strings.Contains(text, "?after=outputitem_202") {
		t.Errorf("%d rows", n)
	}
	if text := do(b, "GET", path+"?after=outputitem_202", "").Body.String(); strings.Count(text, `<details class="case`) != 1 || strings.Contains(text, "?after=") {
		t.Errorf("the second page: %.300s", text)
	}
	wantError(t, do(b, "GET", "/v1/evals/eval_1/runs/none/report", ""), 404, invalidRequest, "run_id", "eval_run_not_found")
}
