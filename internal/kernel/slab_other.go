//go:build !unix

package kernel

// Slab is a large piece of zeroed memory.
type Slab struct{ Bytes []byte }

// NewSlab allocates n bytes, n above 0.
func NewSlab(n int) (*Slab, error) { return &Slab{make([]byte, n)}, nil }

// Release has no effect here: the memory is Go's until Close.
func (s *Slab) Release(at, n int) {}

// Close lets go of the memory. Bytes must not be touched any more.
func (s *Slab) Close() error {
	s.Bytes = nil
	return nil
}
