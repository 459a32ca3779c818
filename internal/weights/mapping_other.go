//go:build !unix

package weights

import (
	"io"
	"os"
)

// mapping is a file read into memory.
type mapping struct{ b []byte }

func openMapping(path string) (*mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := mappableSize(f)
	if err != nil || size == 0 {
		return &mapping{}, err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return &mapping{b}, nil
}

// release has no effect: the bytes are not backed by the file.
func (m *mapping) release(at, n int) {}

func (m *mapping) close() error {
	m.b = nil
	return nil
}
