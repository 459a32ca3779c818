package evalharness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"graft/serving"
)

// TestVerdicts: what the arms can do decides the outcome and the exit status.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name          string
		n             int
		base, adapter int // percent that is right
		forgets       bool
		outcome       string
		code          int
	}{
		{"clear win", 100, 40, 90, false, ClearWin, 0},
		{"loss", 100, 90, 40, false, Loss, 11},
		{"tie", 100, 100, 100, false, Tie, 10},
		{"not enough", 12, 40, 90, false, NotEnough, 12},
		{"forgotten", 100, 40, 90, true, "", 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			task := fakeTask(t, c.n, "")
			f := newFake(func(model, q string, _ *serving.Request) string {
				if model == "tuned" {
					return right(q, c.adapter, 1)
				}
				return right(q, c.base, 2)
			})
			o := fakeOptions(t, task, f)
			o.Forgetting = func(context.Context, func(serving.Backend) serving.Backend, func(int, int)) (*Forgetting, error) {
				return &Forgetting{Suite: "fake", Items: 300, Base: .5, Adapter: .5, Passed: !c.forgets}, nil
			}
			res, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			v := res.Verdict()
			if c.outcome != "" && v.Outcome != c.outcome || ExitCode(v) != c.code {
				t.Errorf("%s (%s), exit status %d, want %s, %d", v.Outcome, v.Reason, ExitCode(v), c.outcome, c.code)
			}
			if v.Outcome == ClearWin && len(res.Todo) > 0 || v.Losses > 0 && v.Outcome != ClearWin && len(res.Todo) == 0 {
				t.Errorf("%s with %d things to fix", v.Outcome, len(res.Todo))
			}
			if read, err := ReadResult(filepath.Join(o.Dir, "colours", res.Settings.Hash[:12], "result.json")); err != nil {
				t.Error(err)
			} else if d := cmp.Diff(res, read, cmpopts.IgnoreUnexported(Answer{}), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("what was written is not what was returned:\n%s", d)
			}
		})
	}
}

// TestArms: every rung is asked every case, and the confusion and the ledger add up.
func TestArms(t *testing.T) {
	task := fakeTask(t, 30, "")
	f := newFake(func(model, q string, _ *serving.Request) string { return right(q, 70, 1) })
	res, err := Run(t.Context(), fakeOptions(t, task, f))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range ladderKinds {
		a := res.Arm(kind)
		if a == nil {
			t.Errorf("there is no arm %s", kind)
			continue
		}
		sum, hits := 0, 0
		for i, row := range a.Confusion.Counts {
			for j, n := range row {
				sum += n
				if i == j {
					hits += n
				}
			}
		}
		if len(a.Answers) != 30 || sum != 30 || float64(hits)/30 != a.Primary {
			t.Errorf("%s: %d answers, %d in the confusion, %d right, accuracy %v", kind, len(a.Answers), sum, hits, a.Primary)
		}
	}
	if res.Search.Usage.Calls == 0 || res.Search.Usage.Calls > res.Search.Budget || len(res.Ledger) != len(res.Arms) {
		t.Errorf("search %+v, %d entries of %d arms", res.Search.Usage, len(res.Ledger), len(res.Arms))
	}
}

var ignoreTimes = cmp.Options{
	cmpopts.IgnoreUnexported(Answer{}), cmpopts.IgnoreFields(Answer{}, "Cached"), cmpopts.IgnoreFields(Usage{}, "Ms", "FirstMs"),
	cmpopts.IgnoreFields(Rung{}, "Ms", "CostPerCorrect"), cmpopts.IgnoreFields(Result{}, "Started", "Finished"), cmpopts.IgnoreFields(Search{}, "Frozen"),
}

// TestKilled: a run that is killed at any point goes on, asks no question twice, and
// ends as one that was not killed.
func TestKilled(t *testing.T) {
	answer := func(model, q string, _ *serving.Request) string {
		if model == "tuned" {
			return right(q, 80, 1)
		}
		return right(q, 50, 2)
	}
	task := fakeTask(t, 25, "search: {budget: 120, dev_rows: 9}\n")
	f := newFake(answer)
	whole, err := Run(t.Context(), fakeOptions(t, task, f))
	if err != nil {
		t.Fatal(err)
	}
	total := f.calls
	r := rand.New(rand.NewPCG(5, 5))
	for round := range 8 {
		task := *task
		o := fakeOptions(t, &task, nil)
		o.Dir = t.TempDir()
		asked := 0
		for {
			f := newFake(answer)
			o.Base.Backend, o.Embedder.Backend = f, f
			ctx, kill := context.WithCancel(t.Context())
			at := 1 + r.IntN(total)
			f.onReply = func(n int) {
				if n == at {
					kill()
				}
			}
			res, err := Run(ctx, o)
			kill()
			asked += f.calls
			if err == nil {
				if d := cmp.Diff(whole, res, ignoreTimes); d != "" {
					t.Errorf("round %d: another result:\n%s", round, d)
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			tear(t, filepath.Join(o.Dir, "colours", "journal.jsonl"), r)
		}
		// Calls in flight when it was killed are asked again, no others.
		if asked > total+40*task.Parallel {
			t.Errorf("round %d: %d calls, of a run that was not killed %d", round, asked, total)
		}
	}
}

// tear leaves what a write that was cut off leaves.
func tear(t *testing.T, path string, r *rand.Rand) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line := `0badc0de {"key":"x","output":"something"}`
	f.WriteString(line[:r.IntN(len(line))])
}

// TestLeaks: no case of the gold set may be in what an arm learns from.
func TestLeaks(t *testing.T) {
	q, _ := fakeRow(1003)
	for name, c := range map[string]struct{ file, text string }{
		"in the training rows": {"train.jsonl", q},
		"but for its case":     {"train.jsonl", strings.ToUpper(q) + " !"},
		"nearly":               {"train.jsonl", q + " indeed"},
		"in dev":               {"dev.jsonl", q},
	} {
		t.Run(name, func(t *testing.T) {
			task := fakeTask(t, 30, "dev: dev.jsonl\n")
			writeRows(t, filepath.Join(task.dir, "dev.jsonl"), 200, 12)
			f, err := os.OpenFile(filepath.Join(task.dir, c.file), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			row, _ := json.Marshal(map[string]any{"messages": []Message{{"user", c.text}, {"assistant", "red"}}})
			fmt.Fprintf(f, "%s\n", row)
			f.Close()
			back := newFake(func(string, string, *serving.Request) string { return "red" })
			_, err = Run(t.Context(), fakeOptions(t, task, back))
			var leak *LeakError
			if !errors.As(err, &leak) || !errors.Is(err, ErrLeak) {
				t.Fatalf("error %v, want a leak", err)
			}
			if l := leak.Leaks; len(l) != 1 || l[0].Line != 4 || l[0].File != c.file {
				t.Errorf("leaks %+v", l)
			}
			if back.calls != 0 {
				t.Errorf("%d questions were asked", back.calls)
			}
		})
	}
	t.Run("in the adapter's files", func(t *testing.T) {
		task := fakeTask(t, 30, "")
		o := fakeOptions(t, task, newFake(func(string, string, *serving.Request) string { return "red" }))
		rows, err := ParseRows(strings.NewReader(fmt.Sprintf(`{"messages":[{"role":"user","content":%q},{"role":"assistant","content":"red"}]}`, q)), "file-1")
		if err != nil {
			t.Fatal(err)
		}
		o.TrainedOn = []TrainedFile{{"file-1", rows}}
		if _, err := Run(t.Context(), o); !errors.Is(err, ErrLeak) {
			t.Errorf("error %v, want a leak", err)
		}
	})
}

// TestStorm: an endpoint that is overloaded is asked again, until it answers.
func TestStorm(t *testing.T) {
	f := newFake(func(_, q string, _ *serving.Request) string { return right(q, 60, 1) })
	f.fail = func(n int) error {
		if n%3 != 0 {
			return fmt.Errorf("%w: slow down", serving.ErrOverloaded)
		}
		return nil
	}
	a := newTestAsker(t)
	ep := &Endpoint{Name: "fake", Backend: f}
	for i := range 50 {
		q, want := fmt.Sprintf("x #%d", i), right(fmt.Sprintf("x #%d", i), 60, 1)
		e, err := a.ask(t.Context(), ep, &question{Messages: []Message{{"user", q}}})
		if err != nil || e.Output != want {
			t.Fatalf("%q, %v, want %q", e.Output, err, want)
		}
	}
	if f.calls != 150 {
		t.Errorf("%d calls", f.calls)
	}
}

func newTestAsker(t *testing.T) *asker {
	t.Helper()
	j, err := OpenJournal(filepath.Join(t.TempDir(), "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	a := newAsker(j)
	a.pause = noPause
	return a
}

func noPause(ctx context.Context, _ time.Duration) error { return ctx.Err() }
