package e2e

import (
	"strings"
	"testing"
)

// TestProveKilled: a proof that is killed with SIGKILL in every stage — search, training
// done, gold, general knowledge — goes on with the same command, asks nothing twice but
// what was in flight, and ends as one that was not killed.
func TestProveKilled(t *testing.T) {
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	p.arms(40, 90)
	whole := t.TempDir()
	status, stdout, stderr := p.run(t, whole, proveArgs(rows, gold)...)
	want := readProof(t, stdout, stderr)
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	total := p.answered
	if twice := p.askedTwice(); len(twice) > 0 {
		t.Errorf("asked twice without being killed: %s", strings.Join(twice, "\n"))
	}
	p.reset()
	data := t.TempDir()
	kills := []int{7, total / 8, total / 8, total / 4, total / 3}
	for _, after := range kills {
		p.killed(t, after, p.command(data, proveArgs(rows, gold)...))
	}
	status, stdout, stderr = p.run(t, data, proveArgs(rows, gold)...)
	got := readProof(t, stdout, stderr)
	if status != 0 || got.Verdict != want.Verdict || got.Adapter != want.Adapter || got.Job != want.Job {
		t.Errorf("status %d, %+v, want %+v", status, got, want)
	}
	if twice := p.askedTwice(); len(twice) > 0 {
		t.Errorf("asked again, though it had been answered:\n%s", strings.Join(twice, "\n"))
	}
	if p.answered != total {
		t.Errorf("%d questions were answered, without kills %d", p.answered, total)
	}
	again := 0
	for _, n := range p.held {
		again += n
	}
	if again == 0 || again > len(kills)*8 {
		t.Errorf("%d questions were in flight in %d kills", again, len(kills))
	}
	sameResult(t, want.Result, got.Result, whole, data)

	// Once more: everything is there.
	p.reset()
	if status, _, stderr := p.run(t, data, proveArgs(rows, gold)...); status != 0 || p.answered != 0 {
		t.Errorf("run again: status %d, %d questions\n%s", status, p.answered, stderr)
	}
}

// TestEvalKilled is the same for graft eval, with a remote arm.
func TestEvalKilled(t *testing.T) {
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	adapter := p.trained(t, rows, gold)
	task := evalTask(t, rows, gold, adapter, "forgetting: false\nremotes: [{name: large, kind: openai, url: '"+p.url+"/v1', model: large}]\n")
	p.reset()
	whole, data := t.TempDir(), t.TempDir()
	if status, stdout, stderr := p.run(t, whole, "eval", task); status != 0 {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	total := p.answered
	p.reset()
	for _, after := range []int{1, total / 5, total / 5, total / 5, total / 5} {
		p.killed(t, after, p.command(data, "eval", task))
	}
	if status, stdout, stderr := p.run(t, data, "eval", task); status != 0 {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if twice := p.askedTwice(); len(twice) > 0 || p.answered != total {
		t.Errorf("%d questions were answered, without kills %d; asked again:\n%s", p.answered, total, strings.Join(twice, "\n"))
	}
	sameResult(t, resultFile(t, whole), resultFile(t, data))
}
