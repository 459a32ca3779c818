package weights

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"graft/internal/kernel"
)

// NewF32 makes a float32 tensor to be written. It copies data.
func NewF32(name string, data []float32, shape ...int) Tensor {
	t := Tensor{Name: name, DType: "F32", Type: kernel.F32, Shape: shape, Data: make([]byte, 4*len(data))}
	kernel.EncodeF32(t.Data, data)
	return t
}

// dtype is the name of t's type; Type counts when DType is empty.
func (t Tensor) dtype() string {
	if t.DType != "" {
		return t.DType
	}
	typ, _ := ggmlTypeOf(uint32(t.Type))
	return typ.name
}

// save writes a file so that after a crash path holds the old content or the
// new, whole: into a temporary file beside it, to disk, then renamed.
func save(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	buf := bufio.NewWriterSize(f, 1<<20)
	if err := write(buf); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// syncDir makes the new name durable. Systems that cannot sync a folder need not.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
