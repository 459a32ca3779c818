package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"graft/training/lint"
)

// reportOf is the report of a job, from its file.
func (b *bench) reportOf(t *testing.T, j Job) *lint.Report {
	t.Helper()
	in, _, err := b.files.Open(context.Background(), j.Report)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r := &lint.Report{}
	if err := json.NewDecoder(in).Decode(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestExamined: each check of the data is made before a job starts. Warnings do not stop
// it, and are events, a bounded number of them, and in the report.
func TestExamined(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), nil)
	const row = `{"messages":[{"role":"user","content":%q},{"role":"assistant","content":%q}]}` + "\n"
	text := conversations(30)
	for i, content := range []string{
		"caf\ufffd", "zero\u200bwidth", "[INST] hello", "AKIAIOSFODNN7EXAMPLE", "password: hunter2abc", "jane.doe@acme.io", "call +49 30 1234567",
		"card 4111 1111 1111 1111", "pay DE89 3704 0044 0532 0130 00", "number 078-05-1120", "log in at ftp://jane:secret@acme.io",
	} {
		text += fmt.Sprintf(row, content, fmt.Sprintf("It is %d.", i+1000))
	}
	text += fmt.Sprintf(row, "Say 0 and 1.", "It is 2.") + fmt.Sprintf(row, "Say 3 and 10.", "No.")
	b.files.write(t, "train", text)
	b.files.write(t, "valid", conversations(2)+fmt.Sprintf(row, "What else?", "Nothing at all."))
	b.start(t)
	q := spec()
	q.ValidationFile, q.Hyper.Epochs, q.Hyper.Batch = "valid", 1, 32
	j, err := b.Create(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	j, events := b.await(t, j.ID)
	if j.Status != Succeeded || len(j.ResultFiles) != 2 || j.ResultFiles[1] != j.Report {
		t.Fatalf("%s %v, files %q, report %q", j.Status, j.Error, j.ResultFiles, j.Report)
	}
	r := b.reportOf(t, j)
	want := map[string][]int{
		"encoding": {31}, "template_text": {33}, "secret": {34}, "personal_data": {36}, "duplicate": {42}, "contradiction": {4, 43}, "contamination": {1, 2},
	}
	for check, lines := range want {
		if i := slices.IndexFunc(r.Findings, func(f lint.Finding) bool { return f.Check == check && slices.Equal(f.Lines, lines) }); i < 0 {
			t.Errorf("no %s of lines %v in %+v", check, lines, r.Findings)
		}
	}
	if r.Errors != 0 || r.Warnings != len(r.Findings) || r.Warnings <= maxWarnings {
		t.Fatalf("%d errors, %d warnings: the test needs more than %d", r.Errors, r.Warnings, maxWarnings)
	}
	// The base has read the rows, all of which it may.
	if r.Difficulty == nil || r.Difficulty.Examples != r.Examples {
		t.Errorf("difficulty %+v of %d examples", r.Difficulty, r.Examples)
	}
	var told []string
	for _, e := range events {
		if e.Level == "warn" {
			told = append(told, e.Message)
		}
	}
	last := len(told) - 1
	if len(told) != maxWarnings+1 || told[last] != fmt.Sprintf("%d more warnings are in the report %s", r.Warnings-maxWarnings, j.Report) {
		t.Errorf("%d events:\n%s", len(told), strings.Join(told, "\n"))
	}
	if f := r.Findings[0]; told[0] != fmt.Sprintf("Data warning: %s (train, line 31): %s; %s", f.Check, f.Message, f.Fix) {
		t.Errorf("%q of %+v", told[0], f)
	}
	if said := texts(events); !strings.Contains(said, "Data checked: "+r.Summary()+"; the report is "+j.Report) {
		t.Errorf("events:\n%s", said)
	}
}

// TestRefused: errors of the checks end a job before it starts. The report has all of
// them, and the warnings too.
func TestRefused(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), nil)
	var pairs strings.Builder
	for i := range 12 {
		fmt.Fprintf(&pairs, `{"input":{"messages":[{"role":"user","content":"%d?"}]},"preferred_output":[{"role":"assistant","content":"It is %d."}],"non_preferred_output":[{"role":"assistant","content":"It is %d."}]}`+"\n", i, i, max(i, 7))
	}
	b.files.write(t, "pairs", pairs.String())
	b.files.write(t, "broken", conversations(12)+strings.Repeat(`{"messages":[{"role":"user","content":"x"}]}`+"\n", 9))
	b.files.write(t, "train", conversations(12))
	b.start(t)
	run := func(change func(*Spec)) (Job, []Event) {
		t.Helper()
		q := spec()
		change(&q)
		j, err := b.Create(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		j, events := b.await(t, j.ID)
		if j.Status != Failed || j.Error == nil || !j.Started.IsZero() {
			t.Fatalf("%s %+v", j.Status, j.Error)
		}
		return j, events
	}
	j, events := run(func(s *Spec) { s.TrainingFile, s.Method = "pairs", DPO })
	want := "The job failed due to an invalid training file. pairs, lines 8, 9, 10, 11, 12: 5 rows have two equal answers: neither can be preferred; remove them"
	if *j.Error != (Error{"invalid_training_file", want, "training_file"}) || events[len(events)-1].Message != want || events[len(events)-1].Level != "error" {
		t.Errorf("%+v\n%s", *j.Error, texts(events))
	}
	if r := b.reportOf(t, j); r.Errors != 1 || r.Findings[0].Check != "contradiction" {
		t.Errorf("%+v", r)
	}
	for param, file := range map[string]func(*Spec){
		"training_file":   func(s *Spec) { s.TrainingFile = "broken" },
		"validation_file": func(s *Spec) { s.ValidationFile = "broken" },
	} {
		j, _ := run(file)
		if r := b.reportOf(t, j); r.Errors != 9 || r.Rows != 12 || r.Findings[8].Lines[0] != 21 || r.File != "broken" {
			t.Errorf("%s: %+v", param, r)
		}
		if e := j.Error; e.Code != "invalid_"+param || e.Param != param || !strings.Contains(e.Message, "broken, line 13, messages[0].role: ") || !strings.HasSuffix(e.Message, "\nand 4 more") {
			t.Errorf("%s: %+v", param, e)
		}
	}
}
