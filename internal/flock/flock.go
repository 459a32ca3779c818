// Package flock is a lock between processes on one machine, held on an open
// file and released by the system when its holder dies.
package flock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrHeld means that another process holds the lock.
var ErrHeld = errors.New("held by another process")

// Lock is a held lock. The file stays when the lock goes: removing it would
// let two holders lock two different files of one name.
type Lock struct{ f *os.File }

// Try takes the lock at path, made when missing, or returns ErrHeld at once.
func Try(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		if errors.Is(err, ErrHeld) {
			return nil, ErrHeld
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{f}, nil
}

// Acquire waits for the lock until ctx ends. waiting, unless nil, is called
// once when another process holds it.
func Acquire(ctx context.Context, path string, waiting func()) (*Lock, error) {
	for first := true; ; first = false {
		l, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return l, err
		}
		if first && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Write replaces what the locked file says, a note to whoever finds it held.
func (l *Lock) Write(note []byte) error {
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	_, err := l.f.WriteAt(note, 0)
	return err
}

// Release gives the lock back.
func (l *Lock) Release() error { return l.f.Close() }
