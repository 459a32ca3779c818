package harness

import (
	"context"
	"os"

	"graft/internal/config"
	"graft/internal/hub"
)

// Model is the path of a model, which is fetched if it is not there.
func Model(ctx context.Context, id string) (path string, err error) {
	cfg, err := config.Load(config.Request{Environ: os.Environ()})
	if err != nil {
		return "", err
	}
	local, err := hub.New(cfg.HubOptions()).Pull(ctx, id, nil)
	if err != nil {
		return "", err
	}
	return local.Path, nil
}
