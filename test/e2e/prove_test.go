package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proved is what graft prove --json prints.
type proved struct {
	Verdict string
	Reason  string
	Exit    int `json:"exit_code"`
	Arms    []struct {
		Name, Kind string
		Primary    float64
	}
	Adapter, Promoted, Report, Result, Before string
	Job                                       string
	Todo                                      []struct{ Kind string }
}

func readProof(t *testing.T, stdout, stderr string) (p proved) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(stdout))
	if err := d.Decode(&p); err != nil {
		t.Fatalf("%v in %s\n%s", err, stdout, stderr)
	}
	if d.More() {
		t.Errorf("more than one object: %s", stdout)
	}
	return p
}

// TestProveExitCodes: each verdict has its exit status, from the program that users run;
// and of the names only that of a clear win stands for the adapter afterwards.
func TestProveExitCodes(t *testing.T) {
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	for _, c := range []struct {
		verdict       string
		status        int
		base, adapter int
		forgets       bool
		args          []string
	}{
		{"CLEAR WIN", 0, 40, 90, false, []string{"--no-forgetting"}},
		{"TIE", 10, 100, 100, false, []string{"--no-forgetting"}},
		{"LOSS", 11, 90, 40, false, []string{"--no-forgetting"}},
		{"NOT ENOUGH", 12, 50, 55, false, []string{"--no-forgetting"}},
		{"WIN BELOW MARGIN", 13, 40, 70, false, []string{"--no-forgetting", "--margin", "0.5"}},
		{"WIN BELOW MARGIN", 20, 40, 90, true, nil},
		{"CLEAR WIN", 0, 40, 90, false, nil},
	} {
		t.Run(fmt.Sprint(c.verdict, c.status, len(c.args)), func(t *testing.T) {
			data := t.TempDir()
			name := fmt.Sprintf("parity-%d-%d", c.status, len(c.args))
			p.arms(c.base, c.adapter)
			p.mu.Lock()
			p.forgets = c.forgets
			p.mu.Unlock()
			status, stdout, stderr := p.run(t, data, proveArgs(rows, gold, append(c.args, "--name", name)...)...)
			got := readProof(t, stdout, stderr)
			if status != c.status || got.Exit != c.status || got.Verdict != c.verdict {
				t.Fatalf("status %d, exit code %d, %s (%s); want %d, %s\n%s", status, got.Exit, got.Verdict, got.Reason, c.status, c.verdict, stderr)
			}
			right := map[string]float64{}
			for _, a := range got.Arms {
				right[a.Kind] = a.Primary
			}
			for _, kind := range []string{"zero_shot", "few_shot", "chain_of_thought", "best_prompt"} {
				if right[kind] != float64(c.base)/100 {
					t.Errorf("%s has %v right, planted are %d of 100", kind, right[kind], c.base)
				}
			}
			if right["adapter"] != float64(c.adapter)/100 {
				t.Errorf("the adapter has %v right, planted are %d of 100", right["adapter"], c.adapter)
			}
			for _, path := range []string{got.Report, got.Result} {
				if info, err := os.Stat(path); err != nil || info.Size() < 1000 {
					t.Errorf("%s: %v, %v", path, info, err)
				}
			}
			if (got.Promoted == name) != (c.status == 0) || (len(got.Todo) > 0) != (c.status != 0 && c.verdict != "TIE") {
				t.Errorf("promoted %q, %d things to fix", got.Promoted, len(got.Todo))
			}
			if want := map[bool]string{true: "reach perfection", false: "leaves"}[c.base == 100]; !strings.Contains(got.Before, want) || !strings.Contains(stderr, "before the training: ") {
				t.Errorf("before the training: %q, without %q", got.Before, want)
			}
			show, _, _ := p.run(t, data, "adapters", "show", name)
			if (show == 0) != (c.status == 0) {
				t.Errorf("adapters show %s: status %d", name, show)
			}
			if _, list, _ := p.run(t, data, "adapters", "show", got.Adapter); !strings.Contains(list, c.verdict+" on "+name) {
				t.Errorf("the verdict is not noted with %s:\n%s", got.Adapter, list)
			}
			if c.status == 20 && !strings.Contains(got.Reason, "forgetting") {
				t.Errorf("reason %q", got.Reason)
			}
		})
	}
	t.Run("error", func(t *testing.T) {
		status, stdout, stderr := p.run(t, t.TempDir(), proveArgs(rows, rows)...)
		if status != 1 || !strings.Contains(stderr, "leaked") || stdout != "" {
			t.Errorf("status %d, %q, %q", status, stdout, stderr)
		}
	})
}

// evalTask writes a task of graft eval about an adapter.
func evalTask(t *testing.T, rows, gold, adapter, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "task.yaml")
	text := fmt.Sprintf("name: parity\nmodel: tiny\nadapter: %q\ngold: %q\ntrain: %q\nretrieval: {embedder: none}\ngeneration: {max_tokens: 4}\n%s", adapter, gold, rows, more)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// trained proves a clear win, and returns the adapter.
func (p *planted) trained(t *testing.T, rows, gold string) string {
	t.Helper()
	p.arms(40, 90)
	_, stdout, stderr := p.run(t, t.TempDir(), proveArgs(rows, gold, "--no-forgetting")...)
	return readProof(t, stdout, stderr).Adapter
}

// TestEvalExitCodes: graft eval, advise and compare end with the same statuses.
func TestEvalExitCodes(t *testing.T) {
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	adapter := p.trained(t, rows, gold)
	for _, c := range []struct {
		status        int
		base, adapter int
		more          string
	}{
		{0, 40, 90, "forgetting: false\n"}, {10, 100, 100, "forgetting: false\n"}, {11, 90, 40, "forgetting: false\n"}, {12, 50, 55, "forgetting: false\n"},
		{13, 40, 70, "forgetting: false\nmargin: 0.5\n"}, {20, 40, 90, ""},
	} {
		data, task := t.TempDir(), evalTask(t, rows, gold, adapter, c.more)
		p.arms(c.base, c.adapter)
		p.mu.Lock()
		p.forgets = c.status == 20
		p.mu.Unlock()
		if status, stdout, stderr := p.run(t, data, "eval", task); status != c.status {
			t.Errorf("eval: status %d, want %d\n%s%s", status, c.status, stdout, stderr)
		}
		if status, _, stderr := p.run(t, data, "advise", task); status != 0 {
			t.Errorf("advise: status %d\n%s", status, stderr)
		}
		if c.status == 20 {
			continue
		}
		compare := p.command(data, "compare", "parity:adapter", "parity:zero_shot", "--json")
		compare.Args = compare.Args[:len(compare.Args)-2] // it asks no server
		if status, stdout, stderr := ran(t, compare); status != c.status || !json.Valid([]byte(stdout)) {
			t.Errorf("compare: status %d, want %d\n%s%s", status, c.status, stdout, stderr)
		}
	}
	if status, _, stderr := p.run(t, t.TempDir(), "eval", filepath.Join(t.TempDir(), "none.yaml")); status != 1 || !strings.Contains(stderr, "none.yaml") {
		t.Errorf("no task: status %d, %s", status, stderr)
	}
	if status, _, stderr := p.run(t, t.TempDir(), "eval", evalTask(t, rows, gold, "nobody", "")); status != 1 || !strings.Contains(stderr, "nobody") {
		t.Errorf("no adapter: status %d, %s", status, stderr)
	}
}
