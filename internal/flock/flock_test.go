package flock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTryIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "lock")
	first, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Write([]byte("pid 1")); err != nil {
		t.Fatal(err)
	}
	if _, err := Try(path); !errors.Is(err, ErrHeld) {
		t.Fatalf("second Try: %v, want ErrHeld", err)
	}
	if note, _ := os.ReadFile(path); string(note) != "pid 1" {
		t.Fatalf("note %q", note)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := Try(path)
	if err != nil {
		t.Fatalf("after Release: %v", err)
	}
	second.Release()
}

func TestAcquireWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Acquire(ctx, path, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("held lock: %v, want the deadline", err)
	}
	waits := 0
	second, err := Acquire(context.Background(), path, func() {
		waits++
		first.Release()
	})
	if err != nil || waits != 1 {
		t.Fatalf("err %v, waiting called %d times", err, waits)
	}
	second.Release()
}
