package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"graft/api"
	"graft/internal/store"
)

// blobAge is how long a file waits for the request that makes an adapter of it.
const blobAge = 24 * time.Hour

// uploads lets the API keep files that clients send, until they are used.
type uploads struct{ blobs *store.Blobs }

func (u uploads) PutAs(digest string, r io.Reader) error {
	if err := u.blobs.Prune(time.Now().Add(-blobAge)); err != nil {
		return err
	}
	err := u.blobs.PutAs(digest, r)
	if errors.Is(err, store.ErrDigest) {
		return fmt.Errorf("%w (%w)", api.ErrDigest, err)
	}
	return err
}

func (u uploads) Open(digest string) (*os.File, error) {
	f, err := u.blobs.Open(digest)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: sha256:%s", api.ErrNoBlob, digest)
	}
	return f, err
}

// blobDir is where they wait.
func (a *App) blobDir() string { return filepath.Join(a.cfg.DataDir, "uploads") }
