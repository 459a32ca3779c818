// Package hubtest gives real models to tests.
package hubtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"graft/internal/config"
	"graft/internal/hub"
)

// Model returns the path of a model of the catalog. It is pulled when missing
// into the data folder of GRAFT_TEST_DATA, or else the ordinary one, so that
// tests and developers share their downloads. A model that cannot be had fails
// the test: the suite proves nothing without one.
func Model(t testing.TB, id string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	opts := hub.DefaultOptions(filepath.Join(DataDir(t), "models"))
	opts.Token = os.Getenv("HF_TOKEN")
	if e := os.Getenv("HF_ENDPOINT"); e != "" {
		opts.Endpoint = e
	}
	l, err := hub.New(opts).Pull(ctx, id, func(e hub.Event) {
		if e.Kind != hub.EventProgress {
			t.Logf("pull %s: %s %s", e.Model, e.Kind, e.Source)
		}
	})
	if err != nil {
		t.Fatalf("the test needs a model: %v", err)
	}
	return l.Path
}

// DataDir is the data folder that tests share.
func DataDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("GRAFT_TEST_DATA"); dir != "" {
		return dir
	}
	dir, err := config.DefaultDataDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
