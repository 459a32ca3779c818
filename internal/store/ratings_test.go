package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A page that is open twice casts each vote once: of votes for one slot that come at the
// same time, one is taken, and slots are never skipped.
func TestVotesAtTheSameTime(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.CreateRating(ctx, Rating{ID: "r", Created: time.Unix(1, 0), Seed: "x", Body: "{}"}); err != nil {
		t.Fatal(err)
	}
	rater, token, err := s.InviteRater(ctx, "r", "Ada")
	if err != nil {
		t.Fatal(err)
	}
	for slot := range 5 {
		var taken atomic.Int32
		var all sync.WaitGroup
		for choice := -1; choice <= 1; choice++ {
			all.Go(func() {
				switch err := s.CastVote(ctx, rater, slot, choice); {
				case err == nil:
					taken.Add(1)
				case !errors.Is(err, ErrSlot):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if taken.Load() != 1 {
			t.Errorf("slot %d was taken %d times", slot, taken.Load())
		}
	}
	if err := s.CastVote(ctx, rater, 7, 1); !errors.Is(err, ErrSlot) {
		t.Errorf("a slot was skipped: %v", err)
	}
	if err := s.UndoVote(ctx, rater, 3); !errors.Is(err, ErrSlot) {
		t.Errorf("a vote that is not the last was undone: %v", err)
	}
	if again, err := s.RaterOf(ctx, "r", token); err != nil || again.Votes != 5 {
		t.Errorf("%+v %v", again, err)
	}
	// Another rating does not take the token, and a lock ends everything at once.
	if err := s.CreateRating(ctx, Rating{ID: "q", Created: time.Unix(1, 0), Seed: "x", Body: "{}"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RaterOf(ctx, "q", token); !errors.Is(err, ErrNotFound) {
		t.Errorf("the token opens another rating: %v", err)
	}
	refused := errors.New("not yet")
	if err := s.LockRating(ctx, "r", func([]Rater) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("locked against the check: %v", err)
	}
	if err := s.LockRating(ctx, "r", func(list []Rater) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.CastVote(ctx, rater, 5, 1); !errors.Is(err, ErrLocked) {
		t.Errorf("a vote after the lock: %v", err)
	}
	if err := s.UndoVote(ctx, rater, 4); !errors.Is(err, ErrLocked) {
		t.Errorf("undone after the lock: %v", err)
	}
	if err := s.DeleteRating(ctx, "r"); err != nil {
		t.Fatal(err)
	}
	if votes, err := s.Votes(ctx, "r"); err != nil || len(votes) > 0 {
		t.Errorf("%d votes outlive their rating: %v", len(votes), err)
	}
}
