package evalharness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// registration is what is fixed before anything is asked.
type registration struct {
	Hash       string    `json:"hash"`
	Started    time.Time `json:"started"`
	Task       string    `json:"task"`
	Base       string    `json:"base"`
	Generation string    `json:"generation"`
	Gold       string    `json:"gold"`
	Rows       string    `json:"rows"`
	Dev        string    `json:"dev"`
	Metrics    []Metric  `json:"metrics"`
	Margin     float64   `json:"margin"`
	Contrast   [2]string `json:"contrast"` // the arms that are compared
	Advise     bool      `json:"advise"`
}

// register fixes the settings in the run's folder, whose name is their hash: another
// setting is another run.
func (r *run) register() error {
	g := registration{
		Task: string(r.task.text), Base: r.task.Model + " " + r.base.Identity, Generation: r.generation, Gold: r.gold.Hash,
		Rows: hashOf(r.rows), Dev: hashOf(r.dev), Metrics: r.described(), Margin: r.margin(), Contrast: [2]string{KindAdapter, KindBestPrompt}, Advise: r.Advise,
	}
	g.Hash = hashOf(g)
	r.hash = g.Hash
	r.dir = filepath.Join(r.Dir, r.task.Name, g.Hash[:12])
	path := filepath.Join(r.dir, "registration.json")
	old, err := readJSON[registration](path)
	switch {
	case err == nil && old.Hash == g.Hash:
		r.started = old.Started
		return nil
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	r.started = time.Now().UTC()
	g.Started = r.started
	return writeJSON(path, g)
}

// frozen is the winner of the search: that of the run's folder, or one that is there
// when frozen returns. Nothing of gold is asked before.
func (r *run) frozen(ctx context.Context) (*Search, error) {
	path := filepath.Join(r.dir, "search.json")
	s, err := readJSON[Search](path)
	if err == nil {
		if !s.whole() {
			return nil, fmt.Errorf("%s: the winner is not the one that was frozen: delete the file's folder to begin anew", path)
		}
		return s, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if s, err = r.found(ctx); err != nil {
		return nil, err
	}
	return s, writeJSON(path, s)
}

// whole tells whether the winners are those that were frozen.
func (s *Search) whole() bool {
	if len(s.Candidates) == 0 || s.Crossfit && len(s.Folds) != folds {
		return false
	}
	w := s.Candidates[0].Prompt
	if w.seal().Hash != s.WinnerHash || w.Hash != s.WinnerHash {
		return false
	}
	for i := range s.Folds {
		if f := &s.Folds[i].Search; f.Crossfit || !f.whole() {
			return false
		}
	}
	return true
}

// forgotten is what the adapter unlearnt: that of the run's folder, or one that is there
// when forgotten returns.
func (r *run) forgotten(ctx context.Context) (*Forgetting, error) {
	path := filepath.Join(r.dir, "forgetting.json")
	f, err := readJSON[Forgetting](path)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if f, err = r.Forgetting(ctx, r.keep, func(done, total int) { r.report("measuring what was forgotten", done, total) }); err != nil {
		return nil, err
	}
	return f, writeJSON(path, f)
}

func (r *run) save(res *Result) error {
	return writeJSON(filepath.Join(r.dir, "result.json"), res)
}

// ReadResult reads a result.
func ReadResult(path string) (*Result, error) {
	res, err := readJSON[Result](path)
	if err == nil && res.Schema != Schema {
		err = fmt.Errorf("%s is of schema %q, this graft reads %q", path, res.Schema, Schema)
	}
	return res, err
}

// maxResult bounds a file that is read, in bytes.
const maxResult = 512 << 20

func readJSON[T any](path string) (*T, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxResult {
		return nil, fmt.Errorf("%s has more than %d MiB", path, maxResult>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := json.Unmarshal(data, v); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// writeJSON puts a file in its place when all of it is on the disk.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already, when all went well
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
