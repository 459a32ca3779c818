package jobs

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"graft/training"
)

// TestNeutralGolden: bits per byte of the neutral text are those of transformers.
func TestNeutralGolden(t *testing.T) {
	var want struct {
		Tokens, Bytes int
		Bits          float64
	}
	data, err := os.ReadFile("testdata/neutral.json")
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	base, err := newLender(t).Base(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	p := newPlainText(base)
	// Each window after the first one begins with a token of the one before.
	if p.bytes != want.Bytes || p.tokens != want.Tokens+len(p.examples)-1 {
		t.Errorf("%d tokens of %d bytes in %d windows, want %d of %d", p.tokens, p.bytes, len(p.examples), want.Tokens, want.Bytes)
	}
	tr, err := training.NewTrainer(nil, base.Model, adapterOf(t, base), p.examples, nil, training.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]*training.Adapter{"base": nil, "untrained adapter": tr.Adapter()} {
		bits, err := p.bits(context.Background(), tr, a)
		if err != nil || math.Abs(bits-want.Bits) > 1e-5*want.Bits {
			t.Errorf("%s: %.8f bits per byte, want %.8f; %v", name, bits, want.Bits, err)
		}
	}
}

func adapterOf(t *testing.T, base *Base) *training.Adapter {
	t.Helper()
	a, err := training.NewAdapter(base.Model, []training.ModuleSpec{{Path: "model.layers.0.self_attn.q_proj", Rank: 2, Alpha: 2}}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestForgetting: each checkpoint says what was forgotten, and a job that is told to
// fails when that is too much, with what it has published before.
func TestForgetting(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), nil)
	b.files.write(t, "train", conversations(12))
	b.start(t)
	q := spec()
	q.Settings.Recipe, q.Settings.Precision = Classic, "float32" // which is the same on all machines
	q.Settings.LearningRate, q.Settings.Alpha, q.Settings.Schedule = pointer(3e-2), pointer(64.0), "constant"
	q.Settings.Dropout = pointer(0.0) // the test needs steps that forget, whatever its masks are
	run := func(most *float64) (Job, []Event, []Checkpoint) {
		t.Helper()
		q.Settings.MaxForgetting = most
		j, err := b.Create(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		j, events := b.await(t, j.ID)
		list, _, err := b.Checkpoints(ctx, j.ID, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return j, events, list
	}
	j, events, list := run(nil)
	if j.Status != Succeeded || len(list) != 2 {
		t.Fatalf("%s %v %+v", j.Status, j.Error, list)
	}
	lost := func(c Checkpoint) float64 {
		m := c.Metrics
		if m.NeutralBits == nil || m.Forgetting == nil || math.Abs(*m.NeutralBits/j.Plan.NeutralBits-1-*m.Forgetting) > 1e-9 {
			t.Fatalf("step %d: %+v, base %v", c.Step, m, j.Plan.NeutralBits)
		}
		return *m.Forgetting
	}
	first, second := lost(list[1]), lost(list[0])
	if first <= 0 || second <= first {
		t.Fatalf("forgotten %v, then %v: the test needs more and more", first, second)
	}
	told := map[float64]float64{}
	for _, e := range events {
		if v, ok := e.Data["neutral_bits_per_byte"].(float64); ok {
			told[e.Data["step"].(float64)] = v
		}
	}
	if len(told) != 2 || told[3] != *list[1].Metrics.NeutralBits || told[6] != *list[0].Metrics.NeutralBits {
		t.Errorf("events say %v", told)
	}
	in, _, err := b.files.Open(ctx, j.ResultFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	table, err := csv.NewReader(in).ReadAll()
	if last := len(table[0]) - 1; err != nil || table[0][last] != "neutral_bits_per_byte" || table[1][last] != "" || table[3][last] == "" {
		t.Errorf("result file %v %v", table, err)
	}

	if j, _, list = run(pointer((first + second) / 2)); j.Status != Failed || j.Error.Code != "max_forgetting_exceeded" || len(list) != 1 || list[0].Step != 3 {
		t.Errorf("bound between: %s %+v, checkpoints %+v", j.Status, j.Error, list)
	}
	if b.files.digest(j.Suffixed+":ckpt-step-6") != "" || b.files.digest(j.Suffixed) != "" || b.files.digest(j.Suffixed+":ckpt-step-3") == "" {
		t.Error("published what has forgotten too much, or not what has not")
	}
	if j, _, _ = run(pointer(second * 1.01)); j.Status != Succeeded {
		t.Errorf("bound above: %s %+v", j.Status, j.Error)
	}
	q.Settings.MaxForgetting = pointer(-1.0)
	if _, err := b.Create(ctx, q); err == nil || !strings.Contains(err.Error(), "max_forgetting") {
		t.Errorf("bound below 0: %v", err)
	}
}
