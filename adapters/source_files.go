package adapters

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// files keeps the files of an upload.
func (in *intake) files(list []File) error {
	if len(list) > maxEntries {
		return fmt.Errorf("%w: %d files, at most %d are allowed", ErrTooLarge, len(list), maxEntries)
	}
	for _, f := range list {
		if err := in.add(filepath.Base(f.Name), f.Reader); err != nil {
			return err
		}
	}
	return nil
}

// fromRepo takes the adapter of a Hugging Face repository.
func (r *Registry) fromRepo(ctx context.Context, in *intake, repo, revision string) (string, error) {
	if r.Fetch == nil {
		return "", fmt.Errorf("%w: repositories cannot be reached from here", ErrForbidden)
	}
	dir := filepath.Join(in.dir, "repo")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	commit, err := r.Fetch(ctx, repo, revision, dir, in.limits.Bytes+maxConfig)
	if err != nil {
		return "", err
	}
	return "hf " + repo + "@" + commit, in.copy(dir, ".")
}
