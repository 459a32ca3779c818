package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"graft/internal/hub"
	"graft/internal/hub/hubtest"
	"graft/training/jobs"
)

// TestTraining trains the real model on ten rows, in a server that runs, and asks for
// what it has learnt by the name of the result and of its checkpoint; after a restart
// too.
func TestTraining(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c := testConfig(t)
	c.Models = []string{"base=" + hubtest.Model(t, hub.Default)}
	c.Training.Yield = false
	a, stop := startWith(t, c)
	var rows strings.Builder
	for range 10 {
		rows.WriteString(`{"messages":[{"role":"user","content":"Name three colours."},{"role":"assistant","content":"Zebra, zebra, zebra."}]}` + "\n")
	}
	err := files{a.store}.Put(ctx, jobs.File{ID: "file-rows", Name: "rows.jsonl", Purpose: "fine-tune"}, strings.NewReader(rows.String()))
	if err != nil {
		t.Fatal(err)
	}
	rank, rate, warmup, seed := 8, 1e-2, 0, int64(1)
	j, err := a.jobs.Create(ctx, jobs.Spec{
		TrainingFile: "file-rows", Seed: &seed, Hyper: jobs.Hyper{Epochs: 4, Batch: 5},
		Settings: jobs.Settings{Recipe: jobs.Classic, Rank: &rank, LearningRate: &rate, Warmup: &warmup}, // a rate for the attention alone
	})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range a.jobs.Follow(ctx, j.ID, "") {
		if err != nil {
			t.Fatal(err)
		}
		t.Log(e.Message)
	}
	if j, err = a.jobs.Get(ctx, j.ID); err != nil || j.Status != jobs.Succeeded {
		t.Fatalf("%s %+v %v", j.Status, j.Error, err)
	}
	if !strings.HasPrefix(j.Model, "ft:base:graft::") {
		t.Errorf("name %q", j.Model)
	}
	plain, _ := said(t, a, "base")
	tuned, by := said(t, a, j.Model)
	if !strings.HasPrefix(strings.ToLower(tuned), "zebra, zebra") || strings.HasPrefix(plain, "Zebra") || by == "" {
		t.Errorf("tuned %q by %q, base %q", tuned, by, plain)
	}
	last := fmt.Sprintf("%s:ckpt-step-%d", j.Model, j.Steps)
	if text, _ := said(t, a, last); text != tuned {
		t.Errorf("%s says %q, the result %q", last, text, tuned)
	}
	e, err := a.adapters.Get(ctx, j.Model)
	if err != nil || e.Lineage.Job != j.ID || !strings.HasPrefix(e.Lineage.Dataset, "sha256:") || e.Rank != 8 {
		t.Errorf("%+v, rank %d: %v", e.Lineage, e.Rank, err)
	}
	stored, err := a.adapters.Open(ctx, e.Generation)
	if err != nil || !strings.Contains(stored.Card, j.ID) || !strings.HasPrefix(e.Lineage.Template, "sha256:") || !strings.HasPrefix(e.Lineage.Config, "sha256:") || e.Lineage.Metrics["neutral_bits_per_byte"] == 0 {
		t.Errorf("%+v, card %q: %v", e.Lineage, stored.Card, err)
	}
	stop()
	a, _ = startWith(t, c)
	if text, _ := said(t, a, j.Model); text != tuned {
		t.Errorf("after a restart %q, before %q", text, tuned)
	}
}
