//go:build unix

package kernel

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Slab is a large piece of zeroed memory outside of Go's heap. The operating
// system gives it page by page, as it is first touched, and can have pages back.
type Slab struct{ Bytes []byte }

// NewSlab reserves n bytes, n above 0.
func NewSlab(n int) (*Slab, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of memory: %w", n, err)
	}
	return &Slab{b}, nil
}

// Release gives the pages that lie wholly within Bytes[at:at+n] back to the
// operating system. What was in those bytes is lost; they can be used again.
func (s *Slab) Release(at, n int) {
	page := os.Getpagesize()
	lo := (at + page - 1) / page * page
	hi := (at + n) / page * page
	if lo < hi {
		_ = unix.Madvise(s.Bytes[lo:hi], unix.MADV_DONTNEED) // where it is not taken, the memory is merely kept
	}
}

// Close gives everything back. Bytes must not be touched any more.
func (s *Slab) Close() error {
	if s.Bytes == nil {
		return nil
	}
	err := unix.Munmap(s.Bytes)
	s.Bytes = nil
	return err
}
