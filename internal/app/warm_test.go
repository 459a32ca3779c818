package app

import (
	"context"
	"testing"
	"time"
)

// TestPaused: what prepares for adapters does not begin with the first requests, nor
// while there are some, nor after the server was told to end; and not never.
func TestPaused(t *testing.T) {
	for name, c := range map[string]struct {
		checks int // that are made
		busy   int // that find requests
		ends   bool
		want   bool
	}{
		"idle":        {checks: 1, want: true},
		"busy first":  {checks: 3, busy: 2, want: true},
		"busy always": {checks: pauseWait, busy: pauseWait, want: true},
		"ended":       {ends: true},
		"busy, ended": {checks: 2, busy: 2, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			check, asked := make(chan time.Time), 0
			done := make(chan bool, 1)
			go func() {
				done <- paused(ctx, check, func() bool {
					asked++
					return asked <= c.busy
				})
			}()
			for i := range c.checks {
				select {
				case check <- time.Time{}:
				case <-done:
					t.Fatalf("it began before check %d", i)
				case <-time.After(10 * time.Second):
					t.Fatalf("check %d is not waited for", i)
				}
			}
			if c.ends {
				cancel()
			}
			select {
			case got := <-done:
				if got != c.want || asked != c.checks {
					t.Errorf("%v after %d checks, want %v after %d", got, asked, c.want, c.checks)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("it waits for ever")
			}
		})
	}
}
