package native

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/internal/model"
	"graft/serving"
)

// guessingRig has a clock that stands still unless cost says what a pass of so many rows takes: it then
// learns nothing of what guesses cost.
func guessingRig(t *testing.T, logits int, cost func(rows int) time.Duration) *rig {
	var clock atomic.Int64
	r := newRig(t, rigOptions{
		policy: policy{rows: 32, mixedRows: 16, logits: logits, running: 8, queue: 64, speculate: true}, blocks: 256,
		now: func() time.Time { return time.Unix(1, clock.Load()) },
	})
	r.run.before = func(b *model.Batch) {
		if len(b.Logits) > logits {
			t.Errorf("%d rows of logits in a pass, want at most %d", len(b.Logits), logits)
		}
		if cost != nil {
			clock.Add(int64(cost(len(b.IDs))))
		}
	}
	return r
}

// settled are the counts after the last answer, which is there before they are.
func (r *rig) settled() Stats {
	waitFor(r.t, "the answer to be counted", func() bool { s := r.engine.Stats(); return s.Running == 0 && s.Waiting == 0 })
	return r.engine.Stats()
}

// answerTo is what the fake model answers.
func answerTo(r *rig, a ask) (ids []int32) {
	a.top = 1
	for _, tok := range alone(r.run, a).Tokens[0] {
		ids = append(ids, tok.ID)
	}
	return ids
}

func TestSpeculate(t *testing.T) {
	r := guessingRig(t, 16, nil)
	a := ask{prompt: ids("abcdef"), max: 12}
	a.predict = answerTo(r, a)
	out := r.must(a)
	if diff := cmp.Diff(alone(r.run, a).Text, out.Text); diff != "" {
		t.Error(diff)
	}
	// One pass gives the first token, the next one eight of eight rows, and the last one three of three: no row
	// is computed for a token that may not come.
	if rows, steps := len(a.prompt)+11, 3; r.run.rows != rows || r.run.steps != steps {
		t.Errorf("%d rows in %d passes, want %d in %d", r.run.rows, r.run.steps, rows, steps)
	}
	if u := out.Usage; u.Accepted != 9 || u.Rejected != 0 || u.Completion != 12 {
		t.Errorf("%+v", u)
	}
	if s := r.settled(); s.DraftTokens != 9 || s.DraftAccepted != 9 || s.GeneratedTokens != 12 {
		t.Errorf("%+v", s)
	}
	// What was guessed is as good for the prefix cache as what was not: all but the last token.
	whole := ask{prompt: append(append(ids("abcdef"), a.predict...), 1, 2, 3), max: 1}
	if got, want := r.must(whole).Usage.Cached, len(a.prompt)+11; got != want {
		t.Errorf("%d tokens cached, want %d", got, want)
	}
}

// What comes after a stop string is not part of the answer, and not counted.
func TestSpeculateStopString(t *testing.T) {
	r := guessingRig(t, 16, nil)
	a := ask{prompt: ids("abcdef"), max: 12}
	a.predict = answerTo(r, a)
	a.stops = []string{alone(r.run, a).Text[0][3:5]}
	out := r.must(a)
	if u := out.Usage; u.Completion != 5 || u.Accepted != 3 || u.Rejected != 0 {
		t.Errorf("%+v", u)
	}
	if s := r.settled(); s.DraftAccepted != 3 || s.GeneratedTokens != 5 {
		t.Errorf("%+v", s)
	}
}

// A prediction that is wrong costs its rows and nothing else.
func TestSpeculateWrong(t *testing.T) {
	r := guessingRig(t, 16, nil)
	a := ask{prompt: ids("abcdef"), max: 12}
	want := answerTo(r, a)
	a.predict = append([]int32{want[0], want[1], want[2], want[3] + 1}, want[4:]...)
	out := r.must(a)
	if diff := cmp.Diff(alone(r.run, a).Text, out.Text); diff != "" {
		t.Error(diff)
	}
	if u := out.Usage; u.Accepted < 2 || u.Rejected < 1 {
		t.Errorf("%+v", u)
	}
}

func TestSpeculateBoundsLogits(t *testing.T) {
	r := guessingRig(t, 4, nil)
	a := ask{prompt: ids("abcdef"), max: 12}
	a.predict = answerTo(r, a)
	if out := r.must(a); out.Usage.Accepted < 6 {
		t.Errorf("%+v", out.Usage)
	}
}

// Earlier answers are looked up for their owner alone.
func TestSpeculateOwners(t *testing.T) {
	r := guessingRig(t, 16, nil)
	drafted := func(owner string) int64 {
		before := r.engine.Stats().DraftTokens
		r.must(ask{prompt: ids("abcdef"), max: 12, owner: owner})
		return r.settled().DraftTokens - before
	}
	for _, c := range []struct {
		owner string
		any   bool
	}{{"ann", false}, {"bob", false}, {"ann", true}, {"", false}} {
		if n := drafted(c.owner); (n > 0) != c.any {
			t.Errorf("%d guesses for %q", n, c.owner)
		}
	}
}

// Where each row costs as much as the first, guessing ends soon.
func TestSpeculateMeasures(t *testing.T) {
	for _, c := range []struct {
		name     string
		cost     func(rows int) time.Duration
		from, to int64
	}{
		{"rows are free", func(int) time.Duration { return time.Millisecond }, 700, 1000},
		{"rows cost", func(rows int) time.Duration { return time.Duration(rows) * time.Millisecond }, 1, 150},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := guessingRig(t, 16, c.cost)
			for i := range 20 {
				a := ask{prompt: append(ids("abcdef"), int32(i)), max: 50}
				a.predict = answerTo(r, a)
				r.must(a)
			}
			if n := r.settled().DraftTokens; n < c.from || n > c.to {
				t.Errorf("%d guesses for 1000 tokens, want %d to %d", n, c.from, c.to)
			}
		})
	}
}

// short is a constraint that is done after some tokens, and says so when it is asked for more.
type short struct{ left int }

func (s *short) Mask() ([]uint64, error) {
	if s.left == 0 {
		return nil, errors.New("asked for more")
	}
	return nil, nil
}
func (s *short) Accept(int32) error { s.left--; return nil }
func (s *short) Done() bool         { return s.left == 0 }

func TestSpeculateStopsWhenDone(t *testing.T) {
	r := guessingRig(t, 16, nil)
	a := ask{prompt: ids("abcdef"), max: 12}
	a.predict = answerTo(r, a)
	a.limit = &short{left: 5}
	out := r.must(a)
	if out.Usage.Completion != 5 || out.Finish[0] != "stop" || len(out.Text[0]) != 5 {
		t.Errorf("%+v", out)
	}
}

// What was sampled before an error is passed on.
func TestSpeculateFails(t *testing.T) {
	r := guessingRig(t, 16, nil)
	a := ask{prompt: ids("abcdef"), max: 12}
	a.predict = answerTo(r, a)
	a.limit = &failing{short{left: 12}, 5}
	text := ""
	_, err := r.do(t.Context(), a, func(e serving.Event) error {
		text += e.Text
		return nil
	})
	if err == nil || text != alone(r.run, ask{prompt: a.prompt, max: 5}).Text[0] {
		t.Errorf("%q, %v", text, err)
	}
}

// failing is a constraint that fails after some tokens.
type failing struct {
	short
	good int
}

func (f *failing) Mask() ([]uint64, error) {
	if f.good--; f.good < 0 {
		return nil, errors.New("broken")
	}
	return nil, nil
}
