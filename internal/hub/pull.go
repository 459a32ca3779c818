package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"graft/internal/flock"
)

// source is a place that models are fetched from.
type source interface {
	String() string
	// fetch brings the model's files into j.dir, each whole and verified, and
	// says what they are.
	fetch(ctx context.Context, j *job) (fetched, error)
}

// fetched is what a source brought.
type fetched struct {
	files    []File
	revision string
}

// job is one pull.
type job struct {
	hub  *Hub
	m    Model
	dir  string
	emit func(Event)
}

// progress reports bytes of a file.
func (j *job) progress(file string, done, total int64) {
	j.emit(Event{Kind: EventProgress, Model: j.m.ID, File: file, Done: done, Total: total})
}

// PullError is what each source said when none had the model.
type PullError struct {
	ID      string
	Reasons []string // "source: reason"
}

func (e *PullError) Error() string {
	return fmt.Sprintf("model %s could not be fetched from any of its sources:\n  - %s\ncheck the network (HF_ENDPOINT names a mirror of Hugging Face), or give a GGUF file or a model folder instead of the id",
		e.ID, strings.Join(e.Reasons, "\n  - "))
}

// Pull returns the model, fetching it first if it is not on this machine.
// progress, unless nil, is called from one goroutine at a time. Errors: those
// of Find, *PullError, ErrNoSpace, and the end of ctx.
func (h *Hub) Pull(ctx context.Context, id string, progress func(Event)) (Local, error) {
	l, err := h.Find(id)
	if err == nil || !errors.Is(err, ErrNotInstalled) {
		return l, err
	}
	m, ok := Lookup(id)
	if !ok {
		m, _ = repository(id)
	}
	if h.opts.Offline {
		return Local{}, fmt.Errorf("%w: %s, and fetching is off (--offline, hub.offline): run `graft pull %s` with a network, or give a path", ErrNotInstalled, id, id)
	}
	if progress == nil {
		progress = func(Event) {}
	}
	j := &job{hub: h, m: m, dir: h.dir(id), emit: progress}
	lock, err := flock.Acquire(ctx, j.dir+".lock", func() { j.emit(Event{Kind: EventWaiting, Model: id}) })
	if err != nil {
		return Local{}, h.explain(err)
	}
	defer lock.Release()
	if l, err := h.Find(id); err == nil { // by whoever held the lock
		return l, nil
	}
	return j.run(ctx)
}

// run tries the sources in order.
func (j *job) run(ctx context.Context) (Local, error) {
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return Local{}, j.hub.explain(err)
	}
	if err := j.space(j.m.Bytes()); err != nil {
		return Local{}, err
	}
	if j.m.License.Terms != "" {
		j.emit(Event{Kind: EventLicense, Model: j.m.ID, Source: j.m.License.Terms})
	}
	failure := &PullError{ID: j.m.ID}
	for _, src := range j.m.sources {
		j.emit(Event{Kind: EventSource, Model: j.m.ID, Source: src.String()})
		got, err := src.fetch(ctx, j)
		if err == nil {
			return j.install(src, got)
		}
		if ctx.Err() != nil {
			return Local{}, context.Cause(ctx)
		}
		if err = j.hub.explain(err); errors.Is(err, ErrNoSpace) {
			return Local{}, err
		}
		j.emit(Event{Kind: EventFailed, Model: j.m.ID, Source: src.String(), Err: err})
		failure.Reasons = append(failure.Reasons, fmt.Sprintf("%s: %v", src, err))
	}
	return Local{}, failure
}

// install writes the manifest, which makes the files a model.
func (j *job) install(src source, got fetched) (Local, error) {
	man := &manifest{
		ID: j.m.ID, Source: src.String(), Revision: got.revision, License: j.m.License,
		Pulled: time.Now().UTC().Truncate(time.Second), Files: got.files,
	}
	if err := man.check(j.dir); err != nil {
		return Local{}, err
	}
	if err := man.write(j.dir); err != nil {
		return Local{}, j.hub.explain(err)
	}
	leftovers, _ := filepath.Glob(filepath.Join(j.dir, "*"+partSuffix+"*"))
	for _, path := range leftovers {
		os.Remove(path) // of sources that were given up
	}
	l := man.local(j.dir, j.m)
	j.emit(Event{Kind: EventDone, Model: j.m.ID, Source: src.String(), Done: l.Bytes, Total: l.Bytes, Path: l.Path})
	return l, nil
}

// spare is left free on the disk, in bytes.
const spare = 64 << 20

// space is an error when fewer than n bytes can be written.
func (j *job) space(n int64) error {
	free, ok := j.hub.free(j.dir)
	if !ok || n == 0 || free >= n+spare {
		return nil
	}
	return fmt.Errorf("%w: %s needs %s in %s, where %s are free: make room, or choose another disk with --data-dir",
		ErrNoSpace, j.m.ID, Size(n+spare), j.hub.opts.Dir, Size(free))
}

// explain turns errors of a full or read-only disk into sentences.
func (h *Hub) explain(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrNoSpace):
		return err
	case isNoSpace(err):
		return fmt.Errorf("%w: %s is full (%w): make room, or choose another disk with --data-dir", ErrNoSpace, h.opts.Dir, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("no permission to write in %s (%w): choose another place with --data-dir", h.opts.Dir, err)
	}
	return err
}

// Size writes a number of bytes for people, in decimal units.
func Size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
