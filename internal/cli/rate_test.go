package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/evalharness"
	"graft/evalharness/rating"
	"graft/internal/store"
)

// writeRun makes a run's folder, with 30 cases that the adapter wins.
func writeRun(t *testing.T) string {
	t.Helper()
	r := evalharness.Result{Schema: evalharness.Schema, ID: "eval_cafe", Name: "demo",
		Settings:    evalharness.Settings{Primary: "exact_match", Metrics: []evalharness.Metric{{Name: "exact_match", Kind: "binary", Scale: 1}}},
		Comparisons: []evalharness.Comparison{{A: "adapter", B: "base", Metric: "exact_match", Primary: true, Verdict: evalharness.Verdict{Outcome: evalharness.ClearWin, Reason: "better", N: 30}}},
		Arms:        []evalharness.Arm{{Name: "adapter", Model: "m"}, {Name: "base", Model: "m"}, {Name: "plain", Model: "m"}}}
	for i := range 30 {
		id := fmt.Sprint("c", i)
		r.Gold.Cases = append(r.Gold.Cases, evalharness.Case{ID: id, Messages: []evalharness.Message{{Role: "user", Content: "Which?"}}, References: []string{"good"}})
		for k, word := range []string{"good", "bad", "plain"} {
			r.Arms[k].Answers = append(r.Arms[k].Answers, evalharness.Answer{Case: id, Output: fmt.Sprint(word, i), Scores: map[string]float64{"exact_match": float64(max(0, 1-k))}})
		}
	}
	dir := t.TempDir()
	data, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "result.json"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// rateAll votes for the answers that hold a word.
func rateAll(t *testing.T, dir, id, token, word string) {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	service := &rating.Service{Store: s}
	n, err := service.Next(t.Context(), id, token)
	for err == nil && n.Pair != nil {
		choice := 1
		if strings.HasPrefix(n.Pair.Left, word) {
			choice = -1
		}
		n, err = service.Vote(t.Context(), id, token, n.Slot, choice)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The whole way: links, votes, lock, and a panel that says no to a clear win.
func TestRate(t *testing.T) {
	data, run := t.TempDir(), writeRun(t)
	status, out, stderr := graft(t, data, "", "rate", run, "--public", "https://rate.example.org/")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 0 || len(lines) != 2 || !strings.Contains(stderr, "30 pairs") || !strings.Contains(stderr, "graft serve") {
		t.Fatalf("%d %s %s", status, out, stderr)
	}
	status, _, stderr = graft(t, data, "", "rate", run, "--lock")
	if status != 1 || !strings.Contains(stderr, "rater 1 has rated 0 of 33") {
		t.Errorf("locked before anybody voted: %d %s", status, stderr)
	}
	for _, l := range lines {
		_, token, ok := strings.Cut(l, "https://rate.example.org/rate/eval_cafe#")
		if !ok {
			t.Fatalf("a link is %q", l)
		}
		rateAll(t, data, "eval_cafe", token, "bad")
	}
	if _, out, _ := graft(t, data, "", "rate", run, "--json"); strings.Contains(out, "panel") || !strings.Contains(out, `"votes": 33`) {
		t.Errorf("the state before the lock is %s", out)
	}
	page := filepath.Join(run, "report.html")
	if status, _, stderr := graft(t, data, "", "report", run, "-o", page); status != 0 {
		t.Fatal(stderr)
	}
	status, out, stderr = graft(t, data, "", "rate", run, "--lock")
	if status != 0 || !strings.Contains(out, "0 won, 30 lost") || !strings.Contains(out, "verdict: WIN BELOW MARGIN") || !strings.Contains(out, "krippendorff: 1.00") {
		t.Errorf("%d %s %s", status, out, stderr)
	}
	r, err := evalharness.ReadResult(filepath.Join(run, "result.json"))
	if err != nil || r.Panel == nil || r.Comparisons[0].Verdict.Outcome != evalharness.WinBelowMargin {
		t.Errorf("%v: the panel has not come into the result", err)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "WIN BELOW MARGIN") || !strings.Contains(string(text), "Blind panel") {
		t.Errorf("%v: the page is as it was", err)
	}
	if status, out, _ := graft(t, data, "", "rate", "eval_cafe", "--json"); status != 0 || !strings.Contains(out, `"panel"`) {
		t.Errorf("by its id: %d %s", status, out)
	}
	if status, _, stderr := graft(t, data, "", "rate", "eval_unknown"); status != 1 || !strings.Contains(stderr, "no such rating") {
		t.Errorf("unknown: %d %s", status, stderr)
	}
	if status, _, stderr := graft(t, data, "", "rate", run, "--arms", "adapter,other"); status != 1 || !strings.Contains(stderr, `no arm "other"`) {
		t.Errorf("unknown arm: %d %s", status, stderr)
	}

	// Another pair is a round of its own, and has no say in the verdict.
	pair := []string{"rate", run, "--arms", "adapter,plain"}
	_, out, stderr = graft(t, data, "", append(pair, "--public", "https://x")...)
	lines = strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.Contains(stderr, "30 pairs") {
		t.Fatalf("%s %s", out, stderr)
	}
	for _, l := range lines {
		_, rest, _ := strings.Cut(l, "/rate/")
		id, token, ok := strings.Cut(rest, "#")
		if !ok || id == "eval_cafe" || !strings.HasPrefix(id, "eval_cafe-") || strings.Contains(id, "plain") {
			t.Fatalf("a link is %q", l)
		}
		rateAll(t, data, id, token, "good")
	}
	status, out, stderr = graft(t, data, "", append(pair, "--lock")...)
	if status != 0 || !strings.Contains(out, "30 won, 0 lost") || !strings.Contains(out, "not the arms that the verdict is about") || !strings.Contains(out, "verdict: WIN BELOW MARGIN") {
		t.Errorf("%d %s %s", status, out, stderr)
	}
	r, err = evalharness.ReadResult(filepath.Join(run, "result.json"))
	if err != nil || r.Panel.B != "base" || len(r.Panels) != 1 || r.Panels[0].B != "plain" || r.Panels[0].Wins != 30 || len(r.Comparisons[0].Verdict.Guards) != 1 {
		t.Errorf("%v: %+v, %+v", err, r.Panel, r.Panels)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "adapter against plain") || !strings.Contains(string(text), "adapter against base") {
		t.Errorf("%v: the page has not both panels", err)
	}
}

func TestReport(t *testing.T) {
	data, run := t.TempDir(), writeRun(t)
	for name, want := range map[string]string{"r.html": "<!doctype html>", "r.md": "# demo: CLEAR WIN", "r.csv": "case,tags,arm", "r.xml": "<testsuites", "r.json": `"schema": "graft.eval/1"`} {
		path := filepath.Join(data, name)
		status, _, stderr := graft(t, data, "", "report", run, "-o", path)
		text, err := os.ReadFile(path)
		if status != 0 || err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s %v", name, status, stderr, err)
		}
	}
	if status, out, _ := graft(t, data, "", "report", filepath.Join(run, "result.json"), "--format", "md"); status != 0 || !strings.HasPrefix(out, "# demo") {
		t.Errorf("%d %s", status, out)
	}
	for _, c := range []struct{ args, want string }{
		{"report " + run + " --format pdf", `"pdf" is not one of html, md`}, {"report " + data, "once the run has ended"}, {"report none.json", "no such file"},
	} {
		if status, _, stderr := graft(t, data, "", strings.Fields(c.args)...); status != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %d %s", c.args, status, stderr)
		}
	}
}
