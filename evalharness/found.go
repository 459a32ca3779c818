package evalharness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Found is what prompts reach without any training.
type Found struct {
	Search *Search
	Metric string
	Solved bool   // what is left to gain is less than the margin
	Advice string // in a sentence or two
}

// FindPrompt does the part of Run that needs no adapter: it refuses leaks, and finds the
// base's best prompt on dev. Run with the same data and settings takes what it found.
func FindPrompt(ctx context.Context, o Options) (*Found, error) {
	o.Advise = true
	r := newRun(o)
	end, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	s, err := r.found(ctx)
	if err != nil {
		return nil, err
	}
	f := &Found{Search: s, Metric: r.chooser.Name, Solved: r.solved(s)}
	f.Advice = r.dressed(s)
	return f, nil
}

// found is the result of the search for the base's best prompt: that of the task's
// folder, if the same search was made before, or one that is there when found returns.
func (r *run) found(ctx context.Context) (*Search, error) {
	type settings struct {
		Base, Model, Rows, Dev, Gold, Metric string
		Labels, Instructions                 []string
		Search                               SearchRules
		Retrieval                            Retrieval
		Generation                           Generation
		Seed                                 int64
		Embeds                               bool
	}
	key := settings{
		Base: r.base.Identity, Model: r.task.Model, Rows: hashOf(r.rows), Dev: hashOf(r.dev), Metric: r.chooser.Signature, Labels: r.labels, Instructions: r.task.Instructions,
		Search: r.task.Search, Retrieval: r.task.Retrieval, Generation: r.task.Generation, Seed: r.task.Seed, Embeds: r.embedder != nil,
	}
	if r.crossfit {
		key.Gold = r.gold.Hash
	}
	path := filepath.Join(r.Dir, r.task.Name, "searches", hashOf(key)[:12]+".json")
	s, err := readJSON[Search](path)
	switch {
	case err == nil && s.whole():
		return s, nil
	case err == nil:
		return nil, fmt.Errorf("%s: the winner is not the one that was frozen: delete the file to search anew", path)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	if r.crossfit {
		s, err = r.crossfitted(ctx)
	} else {
		s, err = r.searched(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, writeJSON(path, s)
}

// searchStage is what the progress of a search is called.
const searchStage = "searching the base's best prompt"

// searched is a search on dev.
func (r *run) searched(ctx context.Context) (*Search, error) {
	more, spent, err := r.proposals(ctx)
	if err != nil {
		return nil, err
	}
	s, err := r.search(ctx, searchStage, r.dev, r.candidates(more), spent)
	if err == nil && len(more) > 0 {
		s.Proposer = r.proposer().model
	}
	return s, err
}

// room is what the search left to gain, as a share of the best value there is.
func (r *run) room(s *Search) float64 {
	full := r.chooser.Scale
	if full == 0 {
		full = 1
	}
	return 1 - s.DevValue/full
}

// solved tells whether less than the margin is left to gain.
func (r *run) solved(s *Search) bool {
	full := r.chooser.Scale
	if full == 0 {
		full = 1
	}
	return r.room(s) < r.margin()/full
}

// dressed is what the search found, in words.
func (r *run) dressed(s *Search) string {
	name := r.chooser.Name
	text := fmt.Sprintf("the best prompt of the base is %s, of %d tried with %d calls: %s %.3f on %d rows (95%% %.3f to %.3f).", s.Winner, len(s.Candidates), s.Usage.Calls, name, s.DevValue, s.Candidates[0].Rows, s.DevLow, s.DevHigh)
	switch {
	case r.room(s) <= 0:
		return text + " Prompts alone reach perfection on these rows: an adapter can tie with them, not win."
	case r.solved(s):
		return text + fmt.Sprintf(" It leaves %.3f to gain there, less than the margin of %.3f: an adapter can hardly win.", r.chooser.Scale*r.room(s), r.margin())
	case r.trained < enoughRows:
		return text + fmt.Sprintf(" There are %d training rows, and fine-tuning seldom helps below %d.", r.trained, enoughRows)
	}
	return text + fmt.Sprintf(" It leaves %.3f to gain: fine-tuning is worth trying.", r.chooser.Scale*r.room(s))
}
