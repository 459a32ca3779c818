package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestCancelLeft: a client that leaves while its job is being stopped leaves nothing on
// the disk.
func TestCancelLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b := openBench(t, t.TempDir(), newLender(t), func(o *Options) {
		o.Busy = func() bool { return true } // the job is slow
		o.Ended = cancel                     // the client leaves when the job is cancelled
	})
	b.files.write(t, "train", conversations(10))
	b.start(t)
	j, err := b.Create(ctx, spec())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(b.dir(j.ID)); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the job never began")
		}
	}
	if _, err := b.Cancel(ctx, j.ID); err != nil || ctx.Err() == nil {
		t.Errorf("%v, client %v", err, ctx.Err())
	}
	if _, err := os.Stat(b.dir(j.ID)); !os.IsNotExist(err) {
		t.Errorf("the job's folder is still there: %v", err)
	}
}

// TestYield: while requests are being answered, a training goes on slowly; then fast.
func TestYield(t *testing.T) {
	ctx := context.Background()
	var busy atomic.Bool
	busy.Store(true)
	b := openBench(t, t.TempDir(), newLender(t), func(o *Options) { o.Busy = busy.Load })
	b.files.write(t, "train", conversations(10))
	b.start(t)
	j, err := b.Create(ctx, spec())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(700 * time.Millisecond)
	if j, err = b.Get(ctx, j.ID); err != nil || j.Step > 0 || j.Status.Ended() {
		t.Errorf("busy: %s, step %d, %v", j.Status, j.Step, err)
	}
	busy.Store(false)
	if j, _ = b.await(t, j.ID); j.Status != Succeeded {
		t.Errorf("%s %v", j.Status, j.Error)
	}
}

// TestNoBase: a job whose model is not served, after a restart with another
// configuration, waits and is not lost.
func TestNoBase(t *testing.T) {
	ctx := context.Background()
	l := newLender(t)
	b := openBench(t, t.TempDir(), l, nil)
	b.files.write(t, "train", conversations(10))
	j, err := b.Create(ctx, spec())
	if err != nil {
		t.Fatal(err)
	}
	l.gone = true
	stop := b.start(t)
	for e, err := range b.Follow(ctx, j.ID, "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.Message, "is not served") {
			break
		}
	}
	stop()
	if j, err = b.Get(ctx, j.ID); err != nil || j.Status != Paused {
		t.Fatalf("%s %v", j.Status, err)
	}
	if _, err := b.Create(ctx, spec()); !errors.Is(err, ErrClosed) {
		t.Errorf("created while shutting down: %v", err)
	}
	l.gone = false
	b.start(t)
	if _, err := b.Resume(ctx, j.ID); err != nil {
		t.Fatal(err)
	}
	if j, _ = b.await(t, j.ID); j.Status != Succeeded {
		t.Errorf("%s %v", j.Status, j.Error)
	}
}

// TestNoRoom: a job whose adapter finds no room waits with all that it has learnt. It can
// be cancelled, or resumed when there is room.
func TestNoRoom(t *testing.T) {
	ctx := context.Background()
	b := openBench(t, t.TempDir(), newLender(t), nil)
	b.files.write(t, "train", conversations(10))
	var full atomic.Bool
	full.Store(true)
	b.files.gate = func(name string) error {
		if full.Load() && !strings.Contains(name, ":ckpt-") {
			return fmt.Errorf("%w: 0 bytes are left", ErrNoRoom)
		}
		return nil
	}
	b.start(t)
	var ids []string
	for range 2 {
		j, err := b.Create(ctx, spec())
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range b.Follow(ctx, j.ID, "") {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(e.Message, "paused: there is no room for the result: 0 bytes are left; make room and resume the job") && e.Level == "warn" {
				break
			}
		}
		if j, err = b.Get(ctx, j.ID); err != nil || j.Status != Paused || j.Step != 6 {
			t.Fatalf("%s, step %d, %v", j.Status, j.Step, err)
		}
		ids = append(ids, j.ID)
	}
	if j, err := b.Cancel(ctx, ids[0]); err != nil || j.Status != Cancelled {
		t.Errorf("%s %v", j.Status, err)
	}
	full.Store(false)
	if _, err := b.Resume(ctx, ids[1]); err != nil {
		t.Fatal(err)
	}
	j, events := b.await(t, ids[1])
	if j.Status != Succeeded || b.files.digest(j.Model) == "" || strings.Count(texts(events), "Step 6/6") != 1 {
		t.Errorf("%s %v\n%s", j.Status, j.Error, texts(events))
	}
}

// TestStopped: a queue that is stopped while it starts has not failed; one whose
// database is gone has.
func TestStopped(t *testing.T) {
	b := openBench(t, t.TempDir(), newLender(t), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Errorf("stopped while it starts: %v", err)
	}
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); err == nil {
		t.Error("a queue without a database ran")
	}
}
