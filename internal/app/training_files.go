package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"graft/internal/store"
	"graft/training/jobs"
)

// files are clients' files as jobs see them.
type files struct{ store *store.Store }

// Open reads a file.
func (f files) Open(ctx context.Context, id string) (io.ReadCloser, jobs.File, error) {
	file, err := f.store.File(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, jobs.File{}, fmt.Errorf("%w: %q", jobs.ErrNoFile, id)
	}
	if err != nil {
		return nil, jobs.File{}, err
	}
	in, err := f.store.OpenFile(file)
	if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
		err = fmt.Errorf("%w: %q", jobs.ErrNoFile, id)
	}
	return in, jobs.File{ID: file.ID, Name: file.Name, Purpose: file.Purpose, Owner: file.Owner, Bytes: file.Bytes}, err
}

// Put stores a file, in the place of one that has its id.
func (f files) Put(ctx context.Context, file jobs.File, r io.Reader) error {
	c, err := f.store.StageFile(r)
	if err != nil {
		return err
	}
	defer c.Discard()
	_, err = f.store.PutResult(ctx, store.File{ID: file.ID, Owner: file.Owner, Name: file.Name, Purpose: file.Purpose, Created: time.Now()}, c)
	return err
}
