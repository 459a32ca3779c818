package app

import (
	"context"

	"graft/serving"
)

// pinAdapters tells the backend which adapters are to stay in memory once they are
// there. From then on the API does, when a name is moved.
func (a *App) pinAdapters(ctx context.Context, b backend) {
	memory, ok := b.(serving.Residency)
	if !ok {
		return
	}
	list, err := a.adapters.List(ctx)
	if err != nil {
		a.log.Error("pinned adapters are not known", "error", err)
		return
	}
	for _, e := range list {
		if e.Settings.Pinned {
			memory.Pin(e.Generation, true)
		}
	}
}
