package adapters

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"graft/internal/flock"
	"graft/internal/store"
)

// The folder of a registry:
//
//	<64 digits>/     a generation: adapter_config.json, adapter_model.safetensors
//	tmp/…            folders being written
//	collect.lock     held while something is deleted
//	processes/…      a locked file of each process that has the registry open
//
// A process that finds itself alone may delete; leases are known to their process
// only.

func (r *Registry) folder(generation string) string {
	return filepath.Join(r.Dir, strings.TrimPrefix(generation, digestPrefix))
}

func (r *Registry) path(name string) string { return filepath.Join(r.Dir, name) }

// join makes the folder and tells other processes of this one.
func (r *Registry) join(ctx context.Context) error {
	for _, dir := range []string{r.path("tmp"), r.path("processes")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	deleting, err := flock.Acquire(ctx, r.path("collect.lock"), nil)
	if err != nil {
		return err
	}
	defer deleting.Release()
	f, err := os.CreateTemp(r.path("processes"), fmt.Sprintf("%d-*", os.Getpid()))
	if err != nil {
		return err
	}
	defer f.Close()
	r.mine = f.Name()
	r.alive, err = flock.Try(r.mine)
	return err
}

// leave takes the process's file away.
func (r *Registry) leave() (err error) {
	r.left.Do(func() { err = errors.Join(os.Remove(r.mine), r.alive.Release()) })
	return err
}

// alone tells whether no other process has the registry open. Files of processes
// that have died are deleted.
func (r *Registry) alone() (bool, error) {
	list, err := os.ReadDir(r.path("processes"))
	if err != nil {
		return false, err
	}
	for _, e := range list {
		path := filepath.Join(r.path("processes"), e.Name())
		if path == r.mine {
			continue
		}
		lock, err := flock.Try(path)
		if errors.Is(err, flock.ErrHeld) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if err := errors.Join(os.Remove(path), lock.Release()); err != nil {
			return false, err
		}
	}
	return true, nil
}

// collect deletes generations that no name has and no request uses, unless another
// process has the registry open: then they wait for the next time. all looks for
// folders that nobody knows of, too.
func (r *Registry) collect(ctx context.Context, all bool) error {
	r.publish.Lock()
	defer r.publish.Unlock()
	deleting, err := flock.Try(r.path("collect.lock"))
	if errors.Is(err, flock.ErrHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	defer deleting.Release()
	if alone, err := r.alone(); !alone || err != nil {
		return err
	}
	unused, err := r.Store.Adapters().Unused(ctx)
	if err != nil {
		return err
	}
	for _, generation := range unused {
		if !r.condemn(generation) {
			continue
		}
		err := r.destroy(ctx, generation)
		r.buried(generation)
		if err != nil {
			return err
		}
	}
	if !all {
		return nil
	}
	return r.sweep(ctx)
}

// condemn bars a generation from new leases, unless it has some: then it is
// deleted after them.
func (r *Registry) condemn(generation string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leases[generation] > 0 {
		r.wanted = true
		return false
	}
	r.dying[generation] = true
	return true
}

func (r *Registry) buried(generation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.dying, generation)
	r.epoch++
}

func (r *Registry) destroy(ctx context.Context, generation string) error {
	gone := false
	err := r.Store.ChangeAdapters(ctx, func(tx store.AdaptersTx) (err error) {
		gone, err = tx.DropGeneration(ctx, generation)
		return err
	})
	if err != nil || !gone {
		return err
	}
	return os.RemoveAll(r.folder(generation))
}

// remembered is how long the history of deleted names is kept.
const remembered = 90 * 24 * time.Hour

// sweep deletes what a process left that died: folders half-written, and folders
// whole but not yet known; and the history of names deleted long ago. A store that knows of no adapter at all is rather a new
// one beside old folders: these stay.
func (r *Registry) sweep(ctx context.Context) error {
	list, err := r.Store.Adapters().Generations(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, g := range list {
		known[r.folder(g.Generation)] = true
	}
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if path := r.path(e.Name()); len(known) > 0 && len(e.Name()) == 64 && hexPattern.MatchString(e.Name()) && !known[path] {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	half, readErr := os.ReadDir(r.path("tmp"))
	err = errors.Join(err, readErr)
	for _, e := range half {
		err = errors.Join(err, os.RemoveAll(filepath.Join(r.path("tmp"), e.Name())))
	}
	return errors.Join(err, r.Store.ChangeAdapters(ctx, func(tx store.AdaptersTx) error {
		return tx.ForgetEvents(ctx, r.Now().Add(-remembered))
	}))
}

// place gives a folder that was written its name, once it is on the disk. One that
// is there already and whole is as good. It is called with publish held.
func (r *Registry) place(dir, generation string) error {
	to := r.folder(generation)
	if _, err := os.Stat(to); err == nil {
		if _, err := r.read(generation); err == nil {
			return nil
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
	if err := syncTree(dir); err != nil {
		return err
	}
	if err := os.Rename(dir, to); err != nil {
		return err
	}
	return syncFile(r.Dir)
}

// syncTree brings a folder and its files to the disk.
func syncTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := syncFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return syncFile(dir)
}

// syncFile syncs a file or folder. Systems that cannot sync folders need not.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrPermission) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// treeBytes is the size of a folder's files.
func treeBytes(dir string) (n int64, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		info, infoErr := e.Info()
		if err = errors.Join(err, infoErr); infoErr == nil {
			n += info.Size()
		}
	}
	return n, err
}

// explain says what to do about a full disk.
func (r *Registry) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: the disk of %s is full: make room (%w)", ErrQuota, r.Dir, err)
	}
	return err
}
