package adapters

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// writeFolder makes a folder appear whole or not at all: fill writes into a
// temporary one beside it, which then takes its name. Into a folder that is there
// and not empty the files are moved one by one, in the order of names, which is
// that fill returns.
func writeFolder(dir string, fill func(tmp string) (names []string, err error)) (err error) {
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if rest := os.RemoveAll(tmp); err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", dir, err), rest)
		}
	}()
	names, err := fill(tmp)
	if err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	syncDir(tmp)
	empty, err := isEmpty(dir)
	if err != nil {
		return err
	}
	if empty {
		_ = os.Remove(dir) // where it is there, so that the name is free
		if err := os.Rename(tmp, dir); err != nil {
			return err
		}
	} else {
		for _, name := range names {
			if err := os.Rename(filepath.Join(tmp, name), filepath.Join(dir, name)); err != nil {
				return err
			}
		}
		syncDir(dir)
	}
	syncDir(filepath.Dir(dir))
	return nil
}

// isEmpty tells folders without entries, and what is not there.
func isEmpty(dir string) (bool, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	return len(list) == 0, err
}

// syncDir makes new names durable. Systems that cannot sync a folder need not.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// writeSynced writes a new file and has it on disk when it returns.
func writeSynced(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}
