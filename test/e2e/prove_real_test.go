package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"graft/evalharness"
)

// codeRows ask for a code word by what a sentence is about: nothing that the base could
// know, and little that the adapter has to learn.
func codeRows(n int) []byte {
	things := [][]string{
		{"dog", "cat", "horse", "cow", "sheep", "goat", "fox", "wolf", "bear", "mouse"},
		{"car", "train", "bus", "ship", "plane", "truck", "bicycle", "tram", "boat", "van"},
	}
	codes := []string{"zorp", "blick"}
	places := []string{"in the morning", "near the river", "behind the old house", "on the hill", "after the rain", "beside my uncle", "under a bridge", "last summer"}
	var b bytes.Buffer
	for i := range n {
		kind := i % 2
		thing, place := things[kind][i/2%10], places[i/3%8]
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"Code of: number %d, the %s that I saw %s, %d steps away."},{"role":"assistant","content":%q}]}`+"\n", i*i*31+i*17+7, thing, place, i*i*13+3*i+11, codes[kind])
	}
	return b.Bytes()
}

// TestProveReal goes the whole way with the real model: split, search, a short training,
// the gold set, report; and once more, when nothing is left to do.
func TestProveReal(t *testing.T) {
	if os.Getenv("GRAFT_E2E_PROVE") == "" {
		t.Skip("a real model is trained, which takes a minute and more: GRAFT_E2E_PROVE=1")
	}
	data := dataDir(t)
	rows := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(rows, codeRows(112), 0o600); err != nil {
		t.Fatal(err)
	}
	prove := func() (proved, *evalharness.Result, string, time.Duration) {
		t.Helper()
		c := exec.Command(program, "prove", rows, "--data-dir", data, "--model", chatModel, "--name", "codes", "--epochs", "1", "--batch", "4", "--graft", "rank=4", "--graft", "learning_rate=0.003",
			"--embedder", "none", "--budget", "60", "--max-tokens", "4", "--arms", "zero_shot,few_shot", "--no-forgetting", "--json")
		c.Dir = t.TempDir()
		begin := time.Now()
		status, stdout, stderr := ran(t, c)
		p := readProof(t, stdout, stderr)
		if status != p.Exit || !slices.Contains([]int{0, 10, 11, 12, 13}, status) {
			t.Fatalf("status %d, %+v\n%s", status, p, stderr)
		}
		res, err := evalharness.ReadResult(p.Result)
		if err != nil {
			t.Fatal(err)
		}
		return p, res, stderr, time.Since(begin)
	}
	p, res, stderr, took := prove()
	t.Logf("%s: %s, in %v\n%s", p.Verdict, p.Reason, took, stderr)
	if v := res.Verdict(); v.Outcome != p.Verdict || v.N != 22 {
		t.Errorf("the result says %s on %d cases", v.Outcome, v.N)
	}
	for _, kind := range []string{evalharness.KindZeroShot, evalharness.KindFewShot, evalharness.KindBestPrompt, evalharness.KindAdapter} {
		a := res.Arm(kind)
		if a == nil || len(a.Answers) != 22 || a.Failed != 0 || a.Usage.PromptTokens == 0 {
			t.Errorf("arm %s: %+v", kind, a)
		}
	}
	if res.Training == nil || len(res.Training.Loss) < 10 || res.Training.Loss[len(res.Training.Loss)-1].Train >= res.Training.Loss[0].Train {
		t.Errorf("training %+v", res.Training)
	}
	e, err := res.Evidence()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Proven(); err != nil {
		t.Error(err)
	}
	again, _, stderr, took := prove()
	if again.Job != p.Job || again.Verdict != p.Verdict || strings.Contains(stderr, "searching") {
		t.Errorf("the second time, in %v: %+v, the first time %+v\n%s", took, again, p, stderr)
	}

	// The adapter is served by its name, and if the win is clear by that of the proof.
	s := startGraft(t, data, "--model", chatModel)
	names := []string{p.Adapter}
	if p.Exit == 0 {
		names = append(names, "codes")
	}
	for _, name := range names {
		resp, err := http.Post(s.url+"/v1/chat/completions", "application/json", strings.NewReader(fmt.Sprintf(`{"model":%q,"max_tokens":3,"messages":[{"role":"user","content":"Code of: the dog."}]}`, name)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Header.Get("x-graft-adapter") == "" {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
}
