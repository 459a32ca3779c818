package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/evalharness"
	"graft/evalharness/metrics"
)

// TestEvalMetrics: the list for users has every metric, with its options.
func TestEvalMetrics(t *testing.T) {
	_, table, _ := graft(t, t.TempDir(), "", "eval", "metrics")
	_, text, _ := graft(t, t.TempDir(), "", "eval", "metrics", "--json")
	var list []metrics.Info
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != len(metrics.List()) {
		t.Fatalf("%v, %d metrics of %d", err, len(list), len(metrics.List()))
	}
	for _, m := range list {
		row := ""
		for line := range strings.SplitSeq(table, "\n") {
			if strings.HasPrefix(line, m.Name+" ") || strings.HasPrefix(line, m.Name+",") {
				row = line
			}
		}
		for _, want := range append(append([]string{m.Doc, string(m.Kind), fmt.Sprintf("%g to %g", m.Least, m.Scale)}, m.Options...), m.Aliases...) {
			if !strings.Contains(row, want) {
				t.Errorf("the line of %s is %q, without %q", m.Name, row, want)
			}
		}
	}
	_, help, _ := graft(t, t.TempDir(), "", "eval", "--help")
	if !strings.Contains(help, "graft eval metrics") {
		t.Error("graft eval --help does not lead to graft eval metrics")
	}
}

// TestEvalByModels: an encoder and a judge of graft's own are reached over HTTP, and what
// they say is in the result.
func TestEvalByModels(t *testing.T) {
	dir := t.TempDir()
	rows, err := os.ReadFile(labelled(t, 60))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(rows), "\n")
	bert, err := filepath.Abs("../../serving/native/testdata/tinybert")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"train.jsonl": strings.Join(lines[:40], ""), "gold.jsonl": strings.Join(lines[40:46], ""),
		"task.yaml": "name: parity\nmodel: " + mustAbs(t, tinyModel) + "\ngold: gold.jsonl\ntrain: train.jsonl\nlabels: []\nretrieval: {embedder: none}\n" +
			"search: {budget: 20, dev_rows: 5, shots: [], chain_of_thought: false}\ngeneration: {max_tokens: 4}\narms: [zero_shot]\n" +
			"metric: {name: bertscore, model: bert=" + bert + ", layer: 1}\nmetrics: [{name: judge, model: tiny}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, stdout, stderr := graft(t, t.TempDir(), "", "advise", filepath.Join(dir, "task.yaml"), "--json")
	var res evalharness.Result
	if err := json.Unmarshal([]byte(stdout), &res); err != nil || status != 0 {
		t.Fatalf("status %d, %v\n%s%s", status, err, stdout, stderr)
	}
	for i, want := range []string{"bertscore|bert_score:0.3.12|model:bert|layer:1|", "judge|graft:1|judge:tiny@"} {
		if got := res.Settings.Metrics[i].Signature; !strings.HasPrefix(got, want) {
			t.Errorf("metric %d is signed %s, want %s…", i, got, want)
		}
	}
	a := res.Arm("zero_shot")
	if v := a.Metrics["bertscore"]; len(v.Details) < 4 || v.Value == 0 {
		t.Errorf("bertscore: %+v", v)
	}
	if d := a.Metrics["judge"].Details; d["valid"]+d["invalid"] != 6 {
		t.Errorf("the judge's details are %v, want 6 judgements", d)
	}
}

// TestEvalEncoderMissing: a layer that the encoder does not have is an error at once.
func TestEvalEncoderMissing(t *testing.T) {
	dir := t.TempDir()
	for name, from := range map[string]string{"train.jsonl": labelled(t, 60), "gold.jsonl": labelled(t, 20)} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bert := mustAbs(t, "../../serving/native/testdata/tinybert")
	for spec, want := range map[string]string{
		"{name: bertscore, model: bert=" + bert + ", layer: 99}": "has layers 1 to",
		"{name: bertscore, model: tiny}":                         "is no encoder",
		"{name: judge, model: nobody}":                           "judge nobody",
	} {
		task := "name: x\nmodel: " + mustAbs(t, tinyModel) + "\ngold: gold.jsonl\ntrain: train.jsonl\nretrieval: {embedder: none}\nmetric: " + spec + "\n"
		if err := os.WriteFile(filepath.Join(dir, "task.yaml"), []byte(task), 0o600); err != nil {
			t.Fatal(err)
		}
		status, _, stderr := graft(t, t.TempDir(), "", "advise", filepath.Join(dir, "task.yaml"))
		if status != 1 || !strings.Contains(stderr, want) || strings.Contains(stderr, "searching") {
			t.Errorf("%s: status %d, %s, want %q before anything is asked", spec, status, stderr, want)
		}
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
