package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestPromoteDemandsVerdict: where a clear win is demanded, no way leads around it, from
// the program and its server: the verdict comes from graft prove and graft eval, and who
// forces it stands in the history.
func TestPromoteDemandsVerdict(t *testing.T) {
	p := newPlanted(t, "--set", "adapters.promote_requires_verdict=true")
	rows, gold := parityFiles(t)
	data := t.TempDir()
	p.arms(50, 55)
	status, stdout, stderr := p.run(t, data, proveArgs(rows, gold, "--no-forgetting")...)
	if status != 12 {
		t.Fatalf("status %d, %s", status, stderr)
	}
	adapter := readProof(t, stdout, stderr).Adapter
	adapters := func(want int, texts []string, args ...string) {
		t.Helper()
		status, stdout, stderr := p.run(t, data, append([]string{"adapters"}, args...)...)
		if status != want {
			t.Errorf("adapters %v: status %d, %s%s", args, status, stdout, stderr)
		}
		for _, text := range texts {
			if !strings.Contains(stdout+stderr, text) {
				t.Errorf("adapters %v: %s%s, without %q", args, stdout, stderr, text)
			}
		}
	}
	adapters(1, []string{"parity ended with NOT ENOUGH", "graft eval TASK.yaml", "graft prove"}, "promote", "live", "--from", adapter)
	resp, err := http.Post(p.url+"/v1/lora_adapters/live/promote", "application/json", strings.NewReader(fmt.Sprintf(`{"from":%q}`, adapter)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusConflict || !strings.Contains(string(body), `"code":"verdict_required"`) {
		t.Errorf("over HTTP: %s %s", resp.Status, body)
	}
	adapters(0, nil, "promote", "forced", "--from", adapter, "--force")
	adapters(0, []string{"forced: parity ended with NOT ENOUGH"}, "history", "forced")
	adapters(0, []string{"after a CLEAR WIN only", "NOT ENOUGH on parity"}, "show", "forced")

	// Another gold set shows a clear win: an evaluation of its own, whose verdict counts.
	p.arms(40, 90)
	task := evalTask(t, rows, gold, adapter, "forgetting: false\n")
	if status, _, stderr := p.run(t, t.TempDir(), "eval", task); status != 0 || strings.Contains(stderr, "not noted") {
		t.Fatalf("status %d, %s", status, stderr)
	}
	adapters(0, nil, "promote", "live", "--from", adapter)
	adapters(0, []string{"rests on eval_"}, "history", "live")
	adapters(0, nil, "set", "live", "require_verdict=false")
	adapters(0, []string{`"require_verdict": false`}, "show", "live", "--json")
}
