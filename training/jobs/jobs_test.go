package jobs

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

func spec() Spec {
	return Spec{
		TrainingFile: "train", Suffix: "mine", Seed: pointer(int64(5)), Hyper: Hyper{Epochs: 2, Batch: 4},
		Settings: Settings{Rank: pointer(2), LearningRate: pointer(1e-2)}, Metadata: map[string]string{"a": "b"},
	}
}

// TestJob: a job with a validation file goes through its states, says so in OpenAI's
// words, and leaves checkpoints, a result file and a published adapter behind.
func TestJob(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), nil)
	b.files.write(t, "train", conversations(10))
	b.files.write(t, "valid", strings.ReplaceAll(conversations(3), "Say", "Please say"))
	q := spec()
	q.ValidationFile = "valid"
	j, err := b.Create(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	if j.Status != Validating || j.Spec.Model != "tiny" || !strings.HasPrefix(j.ID, "ftjob-") || j.Model != "" {
		t.Errorf("created: %+v", j)
	}
	stop := b.start(t)
	j, events := b.await(t, j.ID)
	stop()
	if j.Status != Succeeded || j.Model != j.Suffixed || j.Step != 6 || j.Error != nil || j.Ended.IsZero() || !j.EstimatedFinish.IsZero() {
		t.Fatalf("%+v %v", j, j.Error)
	}
	if !regexp.MustCompile(`^ft:tiny:graft:mine:[A-Za-z0-9]{8}$`).MatchString(j.Model) {
		t.Errorf("name %q", j.Model)
	}
	if j.Hyper != (Hyper{Epochs: 2, Batch: 4, RateMultiplier: 1}) {
		t.Errorf("hyperparameters %+v", j.Hyper)
	}
	if want := int64(2 * j.Plan.Tokens); j.TrainedTokens != want {
		t.Errorf("%d tokens trained, want %d", j.TrainedTokens, want)
	}
	loss := regexp.MustCompile(`\d+\.\d{4}`)
	plan := regexp.MustCompile(`(?m)^Plan: 10 examples .*$`)
	got := plan.ReplaceAllString(loss.ReplaceAllString(texts(events), "X"), "PLAN")
	want := strings.NewReplacer("JOB", j.ID, "NAME", j.Suffixed, "REPORT", j.Report).Replace(`Created fine-tuning job: JOB
Validating training file: train and validation file: valid
Data checked: 10 rows (chat), 10 examples, 294 tokens, of them 77 trained, 30 in the longest; 0 errors, 0 warnings; the report is REPORT
Files validated, moving job to queued state
Fine-tuning job started
PLAN
Step 0/6: validation loss=X, full validation loss=X, neutral text=X bits per byte
Step 1/6: training loss=X
Step 2/6: training loss=X
Step 3/6: training loss=X, validation loss=X, full validation loss=X, neutral text=X bits per byte
Checkpoint created at step 3 with name: NAME:ckpt-step-3
Step 4/6: training loss=X
Step 5/6: training loss=X
Step 6/6: training loss=X, validation loss=X, full validation loss=X, neutral text=X bits per byte
Checkpoint created at step 6 with name: NAME:ckpt-step-6
New fine-tuned model created: NAME
The job has successfully completed
`)
	if got != want {
		t.Errorf("events:\n%s\nwant:\n%s", got, want)
	}
	list, more, err := b.Checkpoints(ctx, j.ID, "", 10)
	if err != nil || more || len(list) != 2 || list[0].Step != 6 || list[1].Name != j.Suffixed+":ckpt-step-3" || list[0].Metrics.FullValidLoss == nil || list[0].Metrics.TrainLoss == nil {
		t.Fatalf("checkpoints %+v, %v, %v", list, more, err)
	}
	if rest, more, err := b.Checkpoints(ctx, j.ID, list[0].ID, 10); err != nil || more || len(rest) != 1 || rest[0].Step != 3 {
		t.Errorf("after the first: %+v %v", rest, err)
	}
	if a, b6, b3 := b.files.digest(j.Model), b.files.digest(list[0].Name), b.files.digest(list[1].Name); a == "" || a != b6 || b3 == "" || b3 == a {
		t.Errorf("published %.8s, steps 6: %.8s, 3: %.8s", a, b6, b3)
	}
	if _, err := os.Stat(b.dir(j.ID)); !os.IsNotExist(err) {
		t.Errorf("the job's folder is still there: %v", err)
	}
	in, _, err := b.files.Open(ctx, j.ResultFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	table, err := csv.NewReader(in).ReadAll()
	if err != nil || len(table) != 8 || strings.Join(table[0][:5], ",") != "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy" {
		t.Fatalf("result file %v %v", table, err)
	}
	for i, row := range table[1:] {
		validated := i%3 == 0
		if row[0] != fmt.Sprint(i) || (row[1] != "") != (i > 0) || (row[3] != "") != validated || row[3] != row[6] {
			t.Errorf("row %q", row)
		}
	}
}

// TestFailures: what is wrong with files or settings is told at once, or in the job's
// error, as OpenAI does.
func TestFailures(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), nil)
	b.files.write(t, "train", conversations(10))
	b.files.write(t, "other", conversations(10))
	b.files.write(t, "few", conversations(3))
	b.files.write(t, "broken", conversations(12)+`{"messages":[{"role":"user","content":"x"}]}`+"\n")
	for param, change := range map[string]func(*Spec){
		"model":           func(s *Spec) { s.Model = "large" },
		"training_file":   func(s *Spec) { s.TrainingFile = "missing" },
		"validation_file": func(s *Spec) { s.ValidationFile = "other" },
		"suffix":          func(s *Spec) { s.Suffix = "a b" },
		"seed":            func(s *Spec) { s.Seed = pointer(int64(-1)) },
		"method.type":     func(s *Spec) { s.Method = "reinforcement" },
		"method.supervised.hyperparameters.n_epochs":      func(s *Spec) { s.Hyper.Epochs = 51 },
		"method.supervised.hyperparameters.graft.rank":    func(s *Spec) { s.Settings.Rank = pointer(0) },
		"method.supervised.hyperparameters.graft.dropout": func(s *Spec) { s.Settings.Dropout = pointer(1.0) },
	} {
		q := spec()
		change(&q)
		var invalid *InvalidError
		if _, err := b.Create(ctx, q); !errors.As(err, &invalid) || invalid.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
	b.start(t)
	for _, c := range []struct {
		change                func(*Spec)
		code, param, contains string
	}{
		{func(s *Spec) { s.TrainingFile = "broken" }, "invalid_training_file", "training_file", "line 13"},
		{func(s *Spec) { s.TrainingFile = "few" }, "invalid_training_file", "training_file", "3 usable rows"},
		{func(s *Spec) { s.ValidationFile = "broken" }, "invalid_validation_file", "validation_file", "line 13"},
		{func(s *Spec) { s.Settings.Targets = []string{"q_prj"} }, "invalid_hyperparameters", "method.supervised.hyperparameters.graft.targets", "q_proj"},
		{func(s *Spec) {
			s.Settings.LearningRate = pointer(1.0)
			s.Settings.Clip = pointer(0.0)
			s.Settings.Alpha = pointer(6e38)
		}, "training_diverged", "", "not finite"},
	} {
		q := spec()
		q.Hyper.Epochs = 5
		c.change(&q)
		j, err := b.Create(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		j, events := b.await(t, j.ID)
		if j.Status != Failed || j.Error == nil || j.Error.Code != c.code || j.Error.Param != c.param || !strings.Contains(j.Error.Message, c.contains) {
			t.Errorf("%s: %s %+v", c.contains, j.Status, j.Error)
			continue
		}
		if last := events[len(events)-1]; last.Level != "error" || last.Message != j.Error.Message || j.Model != "" {
			t.Errorf("last event %+v, model %q", last, j.Model)
		}
	}
}

// TestDPO: preferences are trained by the method dpo; rows of another kind are refused.
func TestDPO(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), nil)
	var rows strings.Builder
	for i := range 60 {
		fmt.Fprintf(&rows, `{"input":{"messages":[{"role":"user","content":"%d of %x?"}]},"preferred_output":[{"role":"assistant","content":"Yes, %d."}],"non_preferred_output":[{"role":"assistant","content":"No."}]}`+"\n", i*i*7919, i*i*i*104729, i)
	}
	b.files.write(t, "train", rows.String())
	b.files.write(t, "chat", conversations(10))
	b.start(t)
	q := spec()
	q.Method, q.Hyper.Batch = DPO, 8
	j, err := b.Create(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	j, events := b.await(t, j.ID)
	if j.Status != Succeeded || j.Hyper.Beta != 0.1 || j.Plan.Examples+j.Plan.ValidExamples != 60 || j.Plan.ValidExamples < 3 {
		t.Fatalf("%s %+v %+v\n%s", j.Status, j.Error, j.Plan, texts(events))
	}
	var losses []float64
	for _, e := range events {
		if v, ok := e.Data["full_valid_loss"].(float64); ok {
			losses = append(losses, v)
		}
	}
	if len(losses) != 3 || losses[0] < 0.69 || losses[0] > 0.70 || losses[2] >= losses[0] {
		t.Errorf("validation losses %v, want log 2 at first, then less", losses)
	}
	q.TrainingFile = "chat"
	if j, err = b.Create(ctx, q); err != nil {
		t.Fatal(err)
	}
	if j, _ = b.await(t, j.ID); j.Status != Failed || !strings.Contains(j.Error.Message, "preference") {
		t.Errorf("%s %+v", j.Status, j.Error)
	}
}

// TestQueries: jobs, events and checkpoints come in pages, the latest first.
func TestQueries(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), func(o *Options) { o.MaxQueued = 5 })
	b.files.write(t, "train", conversations(10))
	var ids []string
	for i := range 5 {
		q := spec()
		if q.Metadata = map[string]string{"odd": fmt.Sprint(i % 2)}; i == 4 {
			q.Metadata = nil
		}
		j, err := b.Create(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, j.ID)
	}
	if _, err := b.Create(ctx, spec()); !errors.Is(err, ErrFull) {
		t.Errorf("a sixth: %v", err)
	}
	for _, c := range []struct {
		after    string
		limit    int
		metadata map[string]string
		want     []int
		more     bool
	}{
		{"", 20, nil, []int{4, 3, 2, 1, 0}, false},
		{"", 2, nil, []int{4, 3}, true},
		{ids[3], 2, nil, []int{2, 1}, true},
		{ids[1], 2, nil, []int{0}, false},
		{"", 20, map[string]string{"odd": "1"}, []int{3, 1}, false},
		{"", 1, map[string]string{"odd": "1"}, []int{3}, true},
		{"", 20, map[string]string{}, []int{4}, false},
	} {
		list, more, err := b.List(ctx, c.after, c.limit, c.metadata)
		var got, want []string
		for _, j := range list {
			got = append(got, j.ID)
		}
		for _, i := range c.want {
			want = append(want, ids[i])
		}
		if err != nil || more != c.more || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v: %v, %v, %v", c, got, more, err)
		}
	}
	if _, _, err := b.List(ctx, "ftjob-none", 1, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("after an unknown job: %v", err)
	}
	id := ids[0]
	for range 2 { // a second time changes nothing
		if j, err := b.Pause(ctx, id); err != nil || j.Status != Paused {
			t.Fatalf("%s %v", j.Status, err)
		}
	}
	if j, err := b.Resume(ctx, id); err != nil || j.Status != Validating {
		t.Fatalf("%s %v", j.Status, err)
	}
	for range 2 {
		if j, err := b.Cancel(ctx, id); err != nil || j.Status != Cancelled || j.Ended.IsZero() {
			t.Fatalf("%s %v", j.Status, err)
		}
	}
	if _, err := b.Resume(ctx, id); !errors.Is(err, ErrState) {
		t.Errorf("resumed a cancelled job: %v", err)
	}
	if _, err := b.Pause(ctx, "ftjob-none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("paused an unknown job: %v", err)
	}
	all, more, err := b.Events(ctx, id, "", 10)
	if err != nil || more || len(all) != 4 || all[0].Message != "Fine-tuning job cancelled" {
		t.Fatalf("%+v %v %v", all, more, err)
	}
	if rest, more, err := b.Events(ctx, id, all[0].ID, 2); err != nil || !more || len(rest) != 2 || rest[0].ID != all[1].ID {
		t.Errorf("%+v %v %v", rest, more, err)
	}
	if _, _, err := b.Checkpoints(ctx, id, "ftckpt_none", 2); !errors.Is(err, ErrNotFound) {
		t.Errorf("checkpoints after an unknown one: %v", err)
	}
}

// TestMetadata: lengths are those of characters, as clients count them.
func TestMetadata(t *testing.T) {
	b := openBench(t, t.TempDir(), newLender(t), nil)
	b.files.write(t, "train", conversations(10))
	for key, lengths := range map[string][2]int{"ok": {64, 512}, "long key": {65, 1}, "long value": {1, 513}} {
		q := spec()
		q.Metadata = map[string]string{strings.Repeat("ü", lengths[0]): strings.Repeat("é", lengths[1])}
		var invalid *InvalidError
		if _, err := b.Create(t.Context(), q); (err == nil) != (key == "ok") || err != nil && (!errors.As(err, &invalid) || invalid.Param != "metadata") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestKeep: of the jobs that have ended, the latest are remembered.
func TestKeep(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), func(o *Options) { o.Keep = 2 })
	b.files.write(t, "train", conversations(10))
	var ids []string
	for range 5 {
		j, err := b.Create(ctx, spec())
		if err != nil {
			t.Fatal(err)
		}
		if ids = append(ids, j.ID); len(ids) < 5 {
			if _, err := b.Cancel(ctx, j.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	list, _, err := b.List(ctx, "", 10, nil)
	if err != nil || len(list) != 3 || list[0].ID != ids[4] || list[2].ID != ids[2] {
		t.Errorf("%d jobs are there, %v", len(list), err)
	}
	if events, err := b.store.Jobs().EventsBefore(ctx, ids[0], 0, 10); err != nil || len(events) > 0 {
		t.Errorf("events of a forgotten job: %d, %v", len(events), err)
	}
}

// TestBest: when the validation loss rises again, the training stops early and the best
// checkpoint is taken, not the last one.
func TestBest(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), nil)
	b.files.write(t, "train", conversations(10))
	b.files.write(t, "valid", strings.ReplaceAll(strings.ReplaceAll(conversations(4), "It is", "No, never"), "Say", "Perhaps"))
	b.start(t)
	q := spec()
	q.ValidationFile, q.Hyper.Epochs, q.Hyper.Batch, q.Settings.LearningRate, q.Settings.Schedule = "valid", 30, 1, pointer(3e-3), "constant"
	j, err := b.Create(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	j, events := b.await(t, j.ID)
	list, _, err := b.Checkpoints(ctx, j.ID, "", 100)
	if err != nil || j.Status != Succeeded || len(list) < 3 {
		t.Fatalf("%s %v, %d checkpoints, %v", j.Status, j.Error, len(list), err)
	}
	best := list[0]
	for _, c := range list {
		if *c.Metrics.FullValidLoss < *best.Metrics.FullValidLoss {
			best = c
		}
	}
	if best.Step == list[0].Step || b.files.digest(j.Model) != b.files.digest(best.Name) || b.files.digest(list[0].Name) == b.files.digest(best.Name) {
		t.Errorf("best step %d of %d: published %.8s, want %.8s", best.Step, list[0].Step, b.files.digest(j.Model), b.files.digest(best.Name))
	}
	said := texts(events)
	if want := fmt.Sprintf("The checkpoint of step %d has the lowest validation loss", best.Step); !strings.Contains(said, want) || !strings.Contains(said, "Training stopped at step") || list[0].Step == j.Steps {
		t.Errorf("step %d of %d:\n%s", list[0].Step, j.Steps, said)
	}
}
