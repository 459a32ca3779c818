package app

import (
	"context"
	"time"
)

// The first requests after a start have the machine to themselves: what prepares for
// adapters waits for a pause between requests, but not for ever.
const (
	pauseCheck = time.Second
	pauseWait  = 10 // checks
)

// warmBases prepares for the first adapter, beside requests, until ctx ends.
func (a *App) warmBases(ctx context.Context, b backend) {
	busy := func() bool { return false }
	if n, ok := b.(interface{ Busy() bool }); ok {
		busy = n.Busy
	}
	check := time.NewTicker(pauseCheck)
	defer check.Stop()
	if paused(ctx, check.C, busy) {
		a.bases.warm(ctx)
	}
}

// paused waits for a check that finds nothing to do, or for the last one; it is false
// if ctx ended before.
func paused(ctx context.Context, check <-chan time.Time, busy func() bool) bool {
	for range pauseWait {
		select {
		case <-check:
		case <-ctx.Done():
			return false
		}
		if !busy() {
			break
		}
	}
	return ctx.Err() == nil
}
