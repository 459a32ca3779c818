package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// Errors of ratings, wrapped with what they concern.
var (
	ErrLocked = errors.New("the rating is locked")
	ErrSlot   = errors.New("this is not the pair that is to be rated next")
)

// Rating is a blind comparison of a run's answers.
type Rating struct {
	ID      string
	Created time.Time
	Locked  time.Time // zero: votes are taken
	Seed    string
	Body    string // JSON
}

// Rater is a person who was invited to a rating.
type Rater struct {
	Rating  string
	Number  int // in the order of the invitations, from 0
	Name    string
	Created time.Time
	Votes   int
}

// Vote is a rater's choice for a place of what is shown to them.
type Vote struct {
	Rater   int
	Slot    int
	Choice  int // as shown: -1 the left answer, 0 neither, 1 the right one
	Created time.Time
}

// CreateRating stores a rating. Errors: ErrExists.
func (s *Store) CreateRating(ctx context.Context, r Rating) error {
	result, err := s.db.ExecContext(ctx, `INSERT INTO ratings (id, created, locked, seed, body) VALUES (?, ?, 0, ?, ?) ON CONFLICT (id) DO NOTHING`,
		r.ID, millis(r.Created), r.Seed, r.Body)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("rating %q: %w", r.ID, ErrExists))
	}
	return nil
}

const ratingColumns = `id, created, locked, seed, body`

func scanRating(scan func(...any) error) (r Rating, err error) {
	var created, locked int64
	err = scan(&r.ID, &created, &locked, &r.Seed, &r.Body)
	r.Created, r.Locked = moment(created), moment(locked)
	return r, err
}

// Rating returns a rating. Errors: ErrNotFound.
func (s *Store) Rating(ctx context.Context, id string) (Rating, error) {
	r, err := scanRating(s.db.QueryRowContext(ctx, `SELECT `+ratingColumns+` FROM ratings WHERE id = ?`, id).Scan)
	return r, notFound(err, fmt.Sprintf("rating %q", id))
}

// DeleteRating deletes a rating with all its votes. Errors: ErrNotFound.
func (s *Store) DeleteRating(ctx context.Context, id string) error {
	result, err := s.db.ExecContext(ctx, `DELETE FROM ratings WHERE id = ?`, id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("rating %q: %w", id, ErrNotFound))
	}
	return nil
}

// LockRating ends the voting, once; check sees the votes that it ends with, and may
// refuse. Errors: ErrNotFound.
func (s *Store) LockRating(ctx context.Context, id string, check func([]Rater) error) error {
	return s.change(ctx, func(q querier) error {
		raters, err := ratersOf(ctx, q, id)
		if err == nil {
			err = check(raters)
		}
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, `UPDATE ratings SET locked = ? WHERE id = ? AND locked = 0`, millis(s.now()), id)
		return err
	})
}

// InviteRater adds a rater, or gives the one of that name another token; the token
// cannot be read again. Votes stay. Errors: ErrNotFound, ErrLocked.
func (s *Store) InviteRater(ctx context.Context, rating, name string) (r Rater, token string, err error) {
	token = rand.Text() + rand.Text() // 260 bits
	err = s.change(ctx, func(q querier) error {
		if err := openRating(ctx, q, rating); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `INSERT INTO rating_raters (rating, number, name, hash, created)
			SELECT ?, (SELECT COALESCE(MAX(number) + 1, 0) FROM rating_raters WHERE rating = ?), ?, ?, ?
			WHERE true ON CONFLICT (rating, name) DO UPDATE SET hash = excluded.hash`,
			rating, rating, name, hash(token), millis(s.now()))
		if err != nil {
			return err
		}
		r, err = scanRater(q.QueryRowContext(ctx, raterColumns+`WHERE rating = ? AND name = ?`, rating, name).Scan)
		return err
	})
	return r, token, err
}

// openRating fails unless votes are taken.
func openRating(ctx context.Context, q querier, id string) error {
	var locked int64
	err := q.QueryRowContext(ctx, `SELECT locked FROM ratings WHERE id = ?`, id).Scan(&locked)
	if err == nil && locked != 0 {
		err = fmt.Errorf("rating %q: %w", id, ErrLocked)
	}
	return notFound(err, fmt.Sprintf("rating %q", id))
}

const raterColumns = `SELECT rating, number, name, created,
	(SELECT COUNT(*) FROM rating_votes v WHERE v.rating = r.rating AND v.rater = r.number) FROM rating_raters r `

func scanRater(scan func(...any) error) (r Rater, err error) {
	var created int64
	err = scan(&r.Rating, &r.Number, &r.Name, &created, &r.Votes)
	r.Created = moment(created)
	return r, err
}

// RaterOf returns the rater of a rating that a token belongs to. Errors: ErrNotFound.
func (s *Store) RaterOf(ctx context.Context, rating, token string) (Rater, error) {
	r, err := scanRater(s.db.QueryRowContext(ctx, raterColumns+`WHERE rating = ? AND hash = ?`, rating, hash(token)).Scan)
	return r, notFound(err, "invitation")
}

// Raters lists the raters of a rating in the order of their numbers.
func (s *Store) Raters(ctx context.Context, rating string) ([]Rater, error) {
	return ratersOf(ctx, s.db, rating)
}

func ratersOf(ctx context.Context, q querier, rating string) ([]Rater, error) {
	rows, err := q.QueryContext(ctx, raterColumns+`WHERE rating = ? ORDER BY number`, rating)
	return collect(rows, err, scanRater)
}

// Votes lists the votes of a rating by rater and slot.
func (s *Store) Votes(ctx context.Context, rating string) ([]Vote, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT rater, slot, choice, created FROM rating_votes WHERE rating = ? ORDER BY rater, slot`, rating)
	return collect(rows, err, func(scan func(...any) error) (v Vote, err error) {
		var created int64
		err = scan(&v.Rater, &v.Slot, &v.Choice, &created)
		v.Created = moment(created)
		return v, err
	})
}

// CastVote stores the vote for the next slot; sending the last one again changes
// nothing. Errors: ErrLocked, ErrSlot.
func (s *Store) CastVote(ctx context.Context, r Rater, slot, choice int) error {
	return s.change(ctx, func(q querier) error {
		if err := openRating(ctx, q, r.Rating); err != nil {
			return err
		}
		var next, last int
		err := q.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE((SELECT choice FROM rating_votes WHERE rating = ? AND rater = ? ORDER BY slot DESC LIMIT 1), 0)
			FROM rating_votes WHERE rating = ? AND rater = ?`, r.Rating, r.Number, r.Rating, r.Number).Scan(&next, &last)
		switch {
		case err != nil:
			return err
		case slot == next-1 && choice == last:
			return nil // its answer was lost on the way
		case slot != next:
			return fmt.Errorf("slot %d, where %d is next: %w", slot, next, ErrSlot)
		}
		_, err = q.ExecContext(ctx, `INSERT INTO rating_votes (rating, rater, slot, choice, created) VALUES (?, ?, ?, ?, ?)`,
			r.Rating, r.Number, slot, choice, millis(s.now()))
		return err
	})
}

// UndoVote takes back the last vote, if it is that of slot. Errors: ErrLocked, ErrSlot.
func (s *Store) UndoVote(ctx context.Context, r Rater, slot int) error {
	return s.change(ctx, func(q querier) error {
		if err := openRating(ctx, q, r.Rating); err != nil {
			return err
		}
		result, err := q.ExecContext(ctx, `DELETE FROM rating_votes WHERE rating = ? AND rater = ? AND slot = ?
			AND slot = (SELECT MAX(slot) FROM rating_votes WHERE rating = ? AND rater = ?)`, r.Rating, r.Number, slot, r.Rating, r.Number)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("slot %d was not the last: %w", slot, ErrSlot))
		}
		return nil
	})
}
