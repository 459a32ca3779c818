package adapters

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// intake is a folder that the files of one adapter are brought into. It keeps the
// ones that are needed and bounds what they take.
type intake struct {
	ctx    context.Context
	dir    string
	limits Limits
	kept   []string // names in dir
	pickle string   // one that was left out
	bytes  int64    // of what is kept
}

// pickles are the endings of files that run code when they are opened.
var pickles = []string{".bin", ".pt", ".pth", ".pkl", ".ckpt"}

// wants tells under which name a file is kept; "": it is not needed.
func (in *intake) wants(name string) string {
	ext := strings.ToLower(filepath.Ext(name))
	switch {
	case name == peftConfig || name == peftTensors || name == mlxTensors:
		return name
	case ext == ".gguf":
		return "adapter.gguf"
	case slices.Contains(pickles, ext):
		in.pickle = name
	}
	return ""
}

// add keeps a file, unless it is not needed: then nothing is read of it.
func (in *intake) add(name string, r io.Reader) error {
	keep := in.wants(name)
	if keep == "" {
		return nil
	}
	if slices.Contains(in.kept, keep) {
		return fmt.Errorf("%w: there are two files %s; want one adapter", ErrInvalid, keep)
	}
	in.kept = append(in.kept, keep)
	most := in.limits.Bytes
	if keep == peftConfig {
		most = maxConfig
	}
	f, err := os.OpenFile(filepath.Join(in.dir, keep), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(disk{f}, io.LimitReader(whileWanted{in.ctx, r}, most+1))
	if in.bytes += n; err == nil && n > most {
		err = fmt.Errorf("%w: %s has more than %d bytes", ErrTooLarge, name, most)
	}
	return errors.Join(err, f.Close())
}

// errDisk marks errors of writing, which are not the fault of what is read.
var errDisk = errors.New("the adapter could not be written to the disk")

type disk struct{ w io.Writer }

func (d disk) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errDisk, err)
	}
	return n, err
}

// whileWanted reads until ctx ends.
type whileWanted struct {
	ctx context.Context
	io.Reader
}

func (r whileWanted) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// whole is what Read reads of the files that came.
func (in *intake) whole() (string, error) {
	has := func(name string) bool { return slices.Contains(in.kept, name) }
	switch gguf := "adapter.gguf"; {
	case has(gguf) && (has(peftConfig) || has(peftTensors)):
		return "", fmt.Errorf("%w: a GGUF file and a PEFT folder; want one of them", ErrInvalid)
	case has(gguf):
		return filepath.Join(in.dir, gguf), nil
	case has(peftConfig) && has(peftTensors):
		return in.dir, nil
	case has(mlxTensors):
		return "", fmt.Errorf("%w: %s: %w", ErrInvalid, mlxTensors, errMLX)
	case in.pickle != "":
		return "", fmt.Errorf("%w: %s is a pickle, which runs code when it is opened: load it where you trust it and save it as %s (peft: save_pretrained with safe_serialization=True)", ErrInvalid, in.pickle, peftTensors)
	case has(peftConfig):
		return "", fmt.Errorf("%w: %s is not there", ErrInvalid, peftTensors)
	case has(peftTensors):
		return "", fmt.Errorf("%w: %s is not there", ErrInvalid, peftConfig)
	}
	return "", fmt.Errorf("%w: want %s and %s, or one .gguf file", ErrInvalid, peftConfig, peftTensors)
}

// copy takes a folder or GGUF file of a root.
func (in *intake) copy(root, path string) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer dir.Close()
	st, err := dir.Stat(path)
	if err != nil {
		return missing(path, err)
	}
	if !st.IsDir() {
		return in.copyFile(dir, path)
	}
	entries, err := fs.ReadDir(dir.FS(), filepath.ToSlash(path))
	if err != nil {
		return missing(path, err)
	}
	for _, e := range entries {
		if in.wants(e.Name()) == "" {
			continue
		}
		if err := in.copyFile(dir, filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (in *intake) copyFile(dir *os.Root, path string) error {
	// A link may be absolute and lead to a place in the root all the same.
	if r, err := under(dir.Name(), filepath.Join(dir.Name(), path)); err == nil {
		return in.copyRegular(dir, r.path, filepath.Base(path))
	}
	return in.copyRegular(dir, path, filepath.Base(path))
}

func (in *intake) copyRegular(dir *os.Root, path, name string) error {
	st, err := dir.Stat(path) // before it is opened: opening a pipe waits
	if err != nil {
		return missing(path, err)
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a regular file", ErrInvalid, path)
	}
	f, err := dir.Open(path)
	if err != nil {
		return missing(path, err)
	}
	defer f.Close()
	return in.add(name, f)
}

// missing says of a path in a root that it is not there, or leads out of it.
func missing(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoPath, path)
	}
	return fmt.Errorf("%w: %w", ErrForbidden, err)
}
