package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"graft/evalharness"
)

// labelled are rows whose answers are labels.
func labelled(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"%d %d %d is"},{"role":"assistant","content":%q}]}`+"\n",
			i*7919+13, i*104729+7, i*1299709+1, []string{"even", "odd"}[i%2])
	}
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestProve goes the whole way with a model that cannot learn anything from ten rows: it
// is not promoted, unless it is forced, and nothing is done twice.
func TestProve(t *testing.T) {
	dir, rows := t.TempDir(), labelled(t, 120)
	args := []string{"prove", rows, "--model", tinyModel, "--name", "parity", "--epochs", "1", "--graft", "rank=2", "--embedder", "none", "--no-forgetting", "--budget", "40", "--max-tokens", "4", "--json"}
	read := func(status int, stdout, stderr string) proof {
		t.Helper()
		var p proof
		if err := json.Unmarshal([]byte(stdout), &p); err != nil {
			t.Fatalf("status %d, %v, %s\n%s", status, err, stdout, stderr)
		}
		if status != p.ExitCode || !slices.Contains([]int{0, 10, 11, 12, 13}, status) {
			t.Errorf("exit status %d, %+v", status, p)
		}
		return p
	}
	p := read(graft(t, dir, "", args...))
	if p.ExitCode == 0 || p.Promoted != "" || p.Verdict == "" {
		t.Errorf("a model of random weights has won: %+v", p)
	}
	var kinds []string
	for _, a := range p.Arms {
		kinds = append(kinds, a.Kind)
	}
	for _, kind := range []string{"zero_shot", "best_prompt", "adapter"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("arms %v, want %s among them", kinds, kind)
		}
	}
	page, err := os.ReadFile(p.Report)
	if err != nil || !strings.Contains(string(page), p.Verdict) {
		t.Errorf("report %s: %v, or without %s", p.Report, err, p.Verdict)
	}
	if status, _, _ := graft(t, dir, "", "adapters", "show", "parity"); status == 0 {
		t.Error("parity stands for something, without a clear win")
	}

	again := read(graft(t, dir, "", append(args, "--force-promote")...))
	if again.Job != p.Job || again.Adapter != p.Adapter || again.Promoted != "parity" || again.Verdict != p.Verdict {
		t.Errorf("the second time %+v, the first time %+v", again, p)
	}
	if status, stdout, stderr := graft(t, dir, "", "adapters", "show", "parity"); status != 0 {
		t.Errorf("parity was promoted, and is not there: %s%s", stdout, stderr)
	}
	for _, c := range []struct {
		args, want string
		status     int
	}{
		{"show parity", p.Verdict + " on parity: ", 0},
		{"history parity", "forced: parity ended with " + p.Verdict, 0},
		{"history " + p.Adapter, p.Verdict + " in eval_", 0},
		{"set parity require_verdict=true", "require_verdict=true", 0},
		{"show parity --json", `"needs_verdict": true`, 0},
		{"promote fresh --from parity --run eval_x", "no evaluation eval_x of it is recorded", 1},
		{"promote fresh --from parity --result parity", "ended with " + p.Verdict, 1},
		{"promote fresh --from parity --result parity --force", "fresh@", 0},
	} {
		if status, stdout, stderr := graft(t, dir, "", append([]string{"adapters"}, strings.Fields(c.args)...)...); status != c.status || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("adapters %s: status %d, %s%s, without %q", c.args, status, stdout, stderr, c.want)
		}
	}
	noTexts(t, dir, filepath.Dir(p.Result), rows)
	status, stdout, stderr := graft(t, dir, "", "compare", "parity:zero_shot", "parity:zero_shot")
	if status != 10 || !strings.Contains(stdout, "TIE") {
		t.Errorf("an arm against itself: status %d, %s%s", status, stdout, stderr)
	}
}

// noTexts renders a run for people who may not see the data, and looks for it.
func noTexts(t *testing.T, dir, run, rows string) {
	t.Helper()
	data, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for line := range strings.Lines(string(data)) {
		var row struct{ Messages []struct{ Content string } }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, row.Messages[0].Content)
	}
	for _, format := range []string{"html", "md", "csv", "junit", "json"} {
		_, whole, _ := graft(t, dir, "", "report", run, "--format", format)
		status, bare, stderr := graft(t, dir, "", "report", run, "--format", format, "--without-texts")
		if status != 0 || len(bare) < 500 {
			t.Errorf("report --without-texts --format %s: status %d, %d bytes, %s", format, status, len(bare), stderr)
		}
		seen, left := 0, 0
		for _, text := range texts {
			if strings.Contains(whole, text) {
				seen++
			}
			if strings.Contains(bare, text) {
				left++
			}
		}
		if left > 0 || strings.Contains(bare, dir) || format != "md" && format != "junit" && seen < 20 {
			t.Errorf("%s: of %d texts that the report has, %d are left without texts; or it has the folder %s", format, seen, left, dir)
		}
	}
}

// TestProveLeak: a gold set that is in the rows is refused before anything is trained.
func TestProveLeak(t *testing.T) {
	rows := labelled(t, 80)
	text, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	gold := filepath.Join(t.TempDir(), "gold.jsonl")
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(gold, []byte(strings.Join(lines[3:30], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := graft(t, t.TempDir(), "", "prove", rows, "--gold", gold, "--model", tinyModel)
	if status != 1 || !strings.Contains(stderr, "leaked") || !strings.Contains(stderr, "line 4") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// TestProveMetric: --metric is a name, or a mapping with options.
func TestProveMetric(t *testing.T) {
	for given, want := range map[string]evalharness.MetricSpec{
		"":                           {},
		"rouge_l":                    {Name: "rougeL"},
		"{name: rougeL, stem: true}": {Name: "rougeL", Stem: true},
		`{"name": "judge", "model": "big", "url": "http://127.0.0.1:9/v1"}`: {Name: "judge", Model: "big", URL: "http://127.0.0.1:9/v1"},
	} {
		f := proveFlags{metric: given}
		f.name = "x"
		task, err := f.task(&division{TrainFile: "t", GoldFile: "g", ValidationFile: "v", MaxTokens: 4})
		if err != nil || !reflect.DeepEqual(task.Metric, want) {
			t.Errorf("--metric %s: %+v, %v, want %+v", given, task.Metric, err, want)
		}
	}
	for _, bad := range []string{"{", "nonsense", "[rougeL]"} {
		f := proveFlags{metric: bad}
		f.name = "x"
		if _, err := f.task(&division{TrainFile: "t", GoldFile: "g", ValidationFile: "v", MaxTokens: 4}); err == nil {
			t.Errorf("--metric %s is taken", bad)
		}
	}
}
