package adapters

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// fetch brings the source of an adapter into a folder and returns what Read reads;
// "" when it is in memory already.
func (r *Registry) fetch(ctx context.Context, q *AddRequest, into string) (string, error) {
	given := 0
	for _, yes := range []bool{q.Path != "", q.Repo != "", q.Archive != nil, q.Files != nil, q.Adapter != nil} {
		if yes {
			given++
		}
	}
	if given != 1 {
		return "", fmt.Errorf("%w: want one source (a path, a repository, an archive or files), have %d", ErrInvalid, given)
	}
	if q.Adapter != nil {
		return "", nil
	}
	if err := os.Mkdir(into, 0o700); err != nil {
		return "", err
	}
	in := &intake{ctx: ctx, dir: into, limits: r.Limits}
	source := ""
	var err error
	switch {
	case q.Path != "":
		source, err = "path "+q.Path, r.fromPath(in, q.Path)
	case q.Repo != "":
		source, err = r.fromRepo(ctx, in, q.Repo, q.Revision)
	case q.Archive != nil:
		source, err = "upload", in.archive(q.Archive)
	default:
		source, err = "upload", in.files(q.Files)
	}
	if err != nil {
		return "", err
	}
	if q.Lineage.Source == "" {
		q.Lineage.Source = source
	}
	return in.whole()
}

// fromPath copies a folder or GGUF file that lies under one of the roots. Links are
// followed as long as they stay there.
func (r *Registry) fromPath(in *intake, path string) error {
	if len(r.Roots) == 0 {
		return fmt.Errorf("%w: reading %s: no folder is open to it; name one in adapters.roots (GRAFT_ADAPTERS_ROOTS)", ErrForbidden, path)
	}
	missing := false
	for _, root := range r.Roots {
		rel, err := under(root, path)
		if errors.Is(err, fs.ErrNotExist) {
			missing = true
			continue
		}
		if err != nil {
			continue
		}
		return in.copy(rel.root, rel.path)
	}
	if missing {
		return fmt.Errorf("%w: %s", ErrNoPath, path)
	}
	return fmt.Errorf("%w: %s is not under one of the folders of adapters.roots", ErrForbidden, path)
}

type rooted struct{ root, path string }

// under resolves a path in a root. fs.ErrNotExist: it would be there, but is not.
func under(root, path string) (rooted, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return rooted{}, ErrForbidden // a root that is not there has nothing
	}
	if real, err = filepath.Abs(real); err != nil {
		return rooted{}, err
	}
	abs := path
	if !filepath.IsAbs(path) {
		abs = filepath.Join(real, path)
	}
	if resolved, err := filepath.EvalSymlinks(abs); err == nil {
		rel, err := filepath.Rel(real, resolved)
		if err != nil || !filepath.IsLocal(rel) {
			return rooted{}, ErrForbidden
		}
		return rooted{real, rel}, nil
	}
	// Whether something is missing is told of paths below the root only.
	for _, r := range []string{root, real} {
		if rel, err := filepath.Rel(r, abs); err == nil && filepath.IsLocal(rel) {
			return rooted{}, fs.ErrNotExist
		}
	}
	return rooted{}, ErrForbidden
}
