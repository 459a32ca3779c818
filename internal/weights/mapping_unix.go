//go:build unix

package weights

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapping is a file mapped for reading.
type mapping struct{ b []byte }

func openMapping(path string) (*mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	size, err := mappableSize(f)
	if err != nil || size == 0 {
		return &mapping{}, err
	}
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	return &mapping{b}, nil
}

// release gives back the pages of b[at:at+n]. Pages shared with a neighbour go
// too: whoever looks at them reads them from the file again.
func (m *mapping) release(at, n int) {
	page := os.Getpagesize()
	lo := at / page * page
	hi := min((at+n+page-1)/page*page, len(m.b))
	if lo < hi {
		_ = unix.Madvise(m.b[lo:hi], unix.MADV_DONTNEED) // advice: nothing is lost if it is not taken
	}
}

func (m *mapping) close() error {
	if m.b == nil {
		return nil
	}
	err := unix.Munmap(m.b)
	m.b = nil
	return err
}
