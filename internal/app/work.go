package app

import (
	"context"
	"sync"
)

// startWork does what goes on beside requests until ctx ends or stop is called, which
// waits for it. It is that of the one App that has the data folder.
func (a *App) startWork(ctx context.Context) (stop func()) {
	if a.beside || a.without {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for name, run := range map[string]func(context.Context) error{"fine-tuning": a.jobs.Run, "webhooks": a.webhooks.Run, "evals": a.evals.Work} {
		all.Go(func() {
			if err := run(ctx); err != nil {
				a.log.Error(name+" has ended", "error", err.Error())
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}
