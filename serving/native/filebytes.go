package native

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// fileBytes is the size of the model at path: of a file with all its parts, or of all
// files in a folder. Links count as what they lead to: caches of downloads are made of
// them.
func fileBytes(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	var files []string
	if !info.IsDir() {
		if files, err = weightFiles(path); err != nil {
			return 0, err
		}
		return sizeOf(files)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return 0, err
	}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return sizeOf(files)
}

func sizeOf(files []string) (n int64, err error) {
	for _, f := range files {
		info, err := os.Stat(f)
		switch {
		case errors.Is(err, fs.ErrNotExist): // a link to nothing
		case err != nil:
			return 0, err
		case info.Mode().IsRegular():
			n += info.Size()
		}
	}
	return n, nil
}
