package evalharness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"graft/serving"
)

// TestDeadRemote: a remote arm that never answers is given up, is told of, and leaves the
// verdict of the others as it is; once it is back, only it is asked.
func TestDeadRemote(t *testing.T) {
	task := fakeTask(t, 40, "remotes: [{name: large, kind: openai, url: 'http://none', model: big}]\n")
	f := newFake(func(model, q string, _ *serving.Request) string {
		if model == "tuned" {
			return right(q, 95, 1)
		}
		return right(q, 40, 2)
	})
	dead := newFake(func(_, q string, _ *serving.Request) string { return right(q, 99, 3) })
	dead.fail = func(int) error { return errors.New("connection refused") }
	o := fakeOptions(t, task, f)
	o.Remotes = map[string]*Endpoint{"large": {Name: "large", Backend: dead, Identity: "large", Plain: true}}
	o.pause = noPause
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if v := res.Verdict(); v.Outcome != ClearWin {
		t.Errorf("%s: %s", v.Outcome, v.Reason)
	}
	large := res.Arm("large")
	if large.Failed != 40 || large.Primary != 0 || !strings.Contains(strings.Join(res.Notes, "\n"), "large did not answer 40 of 40") {
		t.Errorf("%d failed, accuracy %v, notes %v", large.Failed, large.Primary, res.Notes)
	}
	if most := attempts * (deadAfter + task.Parallel); dead.calls > most {
		t.Errorf("a dead endpoint was asked %d times, at most %d would do", dead.calls, most)
	}
	for _, c := range res.Comparisons {
		if c.B == "large" && c.Verdict.Outcome != Invalid {
			t.Errorf("against a dead arm: %s", c.Verdict.Outcome)
		}
	}

	dead.fail = nil
	before := f.calls
	if res, err = Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if large := res.Arm("large"); large.Failed != 0 || large.Primary < .9 || f.calls != before {
		t.Errorf("when it is back: %d failed, accuracy %v, %d more calls of the others", large.Failed, large.Primary, f.calls-before)
	}
}

// TestDeadBase: without the base there is no verdict.
func TestDeadBase(t *testing.T) {
	f := newFake(func(_, q string, _ *serving.Request) string { return "red" })
	f.fail = func(n int) error {
		if n > 30 {
			return errors.New("connection refused")
		}
		return nil
	}
	o := fakeOptions(t, fakeTask(t, 30, ""), f)
	o.pause = noPause
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "connection refused") && !errors.Is(err, ErrDead) && !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("error %v", err)
	}
}

// TestFullDisk: what is not on the disk does not count, and the error says where.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	a := newTestAsker(t)
	whole := a.journal.f
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	a.journal.f = full
	f := newFake(func(_, q string, _ *serving.Request) string { return "red" })
	q := &question{Messages: []Message{{"user", "x"}}}
	_, err = a.ask(t.Context(), &Endpoint{Name: "fake", Backend: f}, q)
	if err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "journal.jsonl") {
		t.Fatalf("error %v", err)
	}
	if _, ok := a.journal.get(hashOf(q)); ok {
		t.Error("what is not on the disk counts")
	}
	a.journal.f = whole
	if _, err := a.ask(t.Context(), &Endpoint{Name: "fake", Backend: f}, q); err != nil || f.calls != 2 {
		t.Errorf("with room again: %v, %d calls", err, f.calls)
	}
}

// TestJournal: what was put is there after it is opened again, whatever was cut off or
// changed behind it, and only once.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j", "journal.jsonl")
	open := func() *Journal {
		t.Helper()
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := open()
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if err := j.put(entry{Key: fmt.Sprint(i % 20), Output: fmt.Sprint("out\n", i%20)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	j.Close()
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 20 {
		t.Fatalf("%d lines, %v", strings.Count(string(text), "\n"), err)
	}
	for cut := range len(text) {
		if err := os.WriteFile(path, text[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		j := open()
		if want := strings.Count(string(text[:cut]), "\n"); len(j.by) != want {
			t.Fatalf("cut at %d: %d entries, want %d", cut, len(j.by), want)
		}
		if cut%97 == 0 { // what comes next is not lost with the piece
			if err := j.put(entry{Key: "new", Output: "x"}); err != nil {
				t.Fatal(err)
			}
			j.Close()
			j = open()
			if _, ok := j.get("new"); !ok {
				t.Fatalf("cut at %d: the next entry is lost", cut)
			}
		}
		j.Close()
	}
	broken := append([]byte{}, text...)
	broken[20] ^= 1
	if err := os.WriteFile(path, broken, 0o644); err != nil {
		t.Fatal(err)
	}
	if j := open(); len(j.by) != 19 || j.bad != 1 {
		t.Errorf("with a bit changed: %d entries, %d bad ones", len(j.by), j.bad)
	}
}

// FuzzJournal: no file crashes the reader.
func FuzzJournal(f *testing.F) {
	f.Add([]byte("0badc0de {}\n\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "journal.jsonl")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		j.Close()
	})
}
