package rating

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"graft/evalharness"
	"graft/internal/store"
)

// Store keeps ratings; internal/store does.
type Store interface {
	CreateRating(ctx context.Context, r store.Rating) error
	Rating(ctx context.Context, id string) (store.Rating, error)
	DeleteRating(ctx context.Context, id string) error
	LockRating(ctx context.Context, id string, check func([]store.Rater) error) error
	InviteRater(ctx context.Context, rating, name string) (store.Rater, string, error)
	RaterOf(ctx context.Context, rating, token string) (store.Rater, error)
	Raters(ctx context.Context, rating string) ([]store.Rater, error)
	Votes(ctx context.Context, rating string) ([]store.Vote, error)
	CastVote(ctx context.Context, r store.Rater, slot, choice int) error
	UndoVote(ctx context.Context, r store.Rater, slot int) error
}

// Service runs ratings. Its methods may be called from any goroutine.
type Service struct {
	Store Store
	Now   func() time.Time // nil: time.Now
	Seed  func() string    // nil: random
}

// State is what may be known of a rating before it is locked, and the panel's verdict after.
type State struct {
	ID         string             `json:"id"`
	Title      string             `json:"title"`
	Arms       []string           `json:"arms"`
	Created    time.Time          `json:"created"`
	Locked     *time.Time         `json:"locked"`
	Pairs      int                `json:"pairs"`
	Identical  int                `json:"identical"`
	References bool               `json:"references"`
	Raters     []Progress         `json:"raters"`
	Panel      *evalharness.Panel `json:"panel,omitempty"`
}

// Progress is how far a rater is.
type Progress struct {
	Name  string `json:"name"`
	Votes int    `json:"votes"`
	Of    int    `json:"of"`
}

// Shown is a pair as a rater sees it: nothing in it depends on which arm is which,
// but for the answers' own words.
type Shown struct {
	Messages   []evalharness.Message `json:"messages"`
	References []string              `json:"references,omitempty"`
	Left       string                `json:"left"`
	Right      string                `json:"right"`
}

// Next is what a rater is to do.
type Next struct {
	Slot   int     `json:"slot"` // place of Pair; Of: all are rated
	Of     int     `json:"of"`
	Locked bool    `json:"locked"`
	Pair   *Shown  `json:"pair"`             // null: all are rated, or the rating is locked
	Reveal *Reveal `json:"reveal,omitempty"` // once it is locked
}

// Reveal tells a rater, once no vote can follow, what they had chosen.
type Reveal struct {
	Arms   []string `json:"arms"`   // A, B
	Yours  [3]int   `json:"yours"`  // votes for A, for neither, for B; repeats left out
	Panel  [3]int   `json:"panel"`  // cases, of all raters together
	Reason string   `json:"reason"` // what the panel says
}

// Create begins a rating. Errors: ErrRound, store.ErrExists.
func (s *Service) Create(ctx context.Context, r *Round) (*State, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	seed := rand.Text() + rand.Text()
	if s.Seed != nil {
		seed = s.Seed()
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	if err := s.Store.CreateRating(ctx, store.Rating{ID: r.ID, Created: now(), Seed: seed, Body: string(body)}); err != nil {
		return nil, err
	}
	return s.State(ctx, r.ID)
}

// Delete forgets a rating and its votes. Errors: store.ErrNotFound.
func (s *Service) Delete(ctx context.Context, id string) error { return s.Store.DeleteRating(ctx, id) }

// load reads a rating.
func (s *Service) load(ctx context.Context, id string) (store.Rating, *Round, error) {
	stored, err := s.Store.Rating(ctx, id)
	if err != nil {
		return stored, nil, err
	}
	var r Round
	if err := json.Unmarshal([]byte(stored.Body), &r); err != nil {
		return stored, nil, fmt.Errorf("rating %q: %w", id, err)
	}
	return stored, &r, nil
}

// cases are the ids that the order and sides follow from.
func (r *Round) cases() []string {
	ids := make([]string, len(r.Items))
	for i, item := range r.Items {
		ids[i] = item.Case
	}
	return ids
}

// State describes a rating. Errors: store.ErrNotFound.
func (s *Service) State(ctx context.Context, id string) (*State, error) {
	stored, r, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	raters, err := s.Store.Raters(ctx, id)
	if err != nil {
		return nil, err
	}
	state := &State{ID: id, Title: r.Title, Arms: []string{r.A.Arm, r.B.Arm}, Created: stored.Created,
		Pairs: len(r.Items), Identical: r.Identical, References: r.References, Raters: []Progress{}}
	for _, rater := range raters {
		state.Raters = append(state.Raters, Progress{rater.Name, rater.Votes, len(slots(stored.Seed, r.cases(), rater.Number))})
	}
	if stored.Locked.IsZero() {
		return state, nil
	}
	state.Locked = &stored.Locked
	state.Panel, err = s.panel(ctx, stored, r, raters)
	return state, err
}

// panel computes what the votes say.
func (s *Service) panel(ctx context.Context, stored store.Rating, r *Round, raters []store.Rater) (*evalharness.Panel, error) {
	votes, err := s.Store.Votes(ctx, stored.ID)
	if err != nil {
		return nil, err
	}
	return newPanel(stored.Seed, r, raters, votes), nil
}

// Invite makes a rater's secret token; inviting a name again makes another and ends
// the first. Errors: ErrRound, store.ErrNotFound, store.ErrLocked.
func (s *Service) Invite(ctx context.Context, id, name string) (token string, err error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > maxName {
		return "", fmt.Errorf("%w by a person without a name of 1 to %d bytes", ErrRound, maxName)
	}
	raters, err := s.Store.Raters(ctx, id)
	if err != nil {
		return "", err
	}
	if len(raters) >= maxRaters {
		return "", fmt.Errorf("%w by more than %d people", ErrRound, maxRaters)
	}
	_, token, err = s.Store.InviteRater(ctx, id, name)
	return token, err
}

// Lock ends the voting and says what came of it. Unless partial, every rater who began
// must have rated everything. Errors: ErrIncomplete, store.ErrNotFound.
func (s *Service) Lock(ctx context.Context, id string, partial bool) (*State, error) {
	stored, r, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	err = s.Store.LockRating(ctx, id, func(raters []store.Rater) error {
		voted := 0
		for _, rater := range raters {
			of := len(slots(stored.Seed, r.cases(), rater.Number))
			if rater.Votes > 0 {
				voted++
			}
			if rater.Votes < of && !partial {
				return fmt.Errorf("%w: %s has rated %d of %d; wait, or lock all the same (partial)", ErrIncomplete, rater.Name, rater.Votes, of)
			}
		}
		if voted == 0 {
			return fmt.Errorf("%w: nobody has rated anything", ErrIncomplete)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.State(ctx, id)
}

// Next is what the rater with a token is to do. Errors: store.ErrNotFound.
func (s *Service) Next(ctx context.Context, id, token string) (*Next, error) {
	rater, err := s.Store.RaterOf(ctx, id, token)
	if err != nil {
		return nil, err
	}
	stored, r, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	list := slots(stored.Seed, r.cases(), rater.Number)
	n := &Next{Slot: rater.Votes, Of: len(list), Locked: !stored.Locked.IsZero()}
	switch {
	case n.Locked:
		n.Reveal, err = s.reveal(ctx, stored, r, rater)
	case n.Slot < n.Of:
		n.Pair = r.show(list[n.Slot])
	}
	return n, err
}

// show is a pair with the arms put on their sides.
func (r *Round) show(at slot) *Shown {
	item := r.Items[at.item]
	left, right := item.Outputs[0], item.Outputs[1]
	if !at.aLeft {
		left, right = right, left
	}
	return &Shown{Messages: item.Messages, References: item.References, Left: left, Right: right}
}

// Vote saves a choice (-1 left, 0 neither, 1 right) and returns what follows.
// Errors: store.ErrNotFound, store.ErrLocked, store.ErrSlot.
func (s *Service) Vote(ctx context.Context, id, token string, at, choice int) (*Next, error) {
	rater, err := s.Store.RaterOf(ctx, id, token)
	if err != nil {
		return nil, err
	}
	stored, r, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if of := len(slots(stored.Seed, r.cases(), rater.Number)); at >= of {
		return nil, fmt.Errorf("there are %d: %w", of, store.ErrSlot)
	}
	if err := s.Store.CastVote(ctx, rater, at, choice); err != nil {
		return nil, err
	}
	return s.Next(ctx, id, token)
}

// Undo takes back the vote for a slot, the last one. Errors: as Vote.
func (s *Service) Undo(ctx context.Context, id, token string, at int) (*Next, error) {
	rater, err := s.Store.RaterOf(ctx, id, token)
	if err == nil {
		err = s.Store.UndoVote(ctx, rater, at)
	}
	if err != nil {
		return nil, err
	}
	return s.Next(ctx, id, token)
}
