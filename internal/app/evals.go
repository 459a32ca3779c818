package app

import (
	"context"

	"graft/evalharness/evals"
)

// openEvals opens the service of evals.
func (a *App) openEvals() {
	a.evals = evals.New(evals.Options{Store: a.store, Logger: a.log})
}

// startEvals works on the runs until ctx ends or stop is called, which waits for it.
// The runs are those of the one App that has the data folder.
func (a *App) startEvals(ctx context.Context) (stop func()) {
	if a.beside || a.without {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := a.evals.Work(ctx); err != nil {
			a.log.Error("the runs of evals have ended", "error", err.Error())
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
