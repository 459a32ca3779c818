package kernel

import "unsafe"

// Huge asks for large pages, where the system has them and has not yet given others.
func (s *Slab) Huge() { adviseHuge(s.Bytes) }

// Floats is Bytes as numbers; a rest of fewer than four bytes is left out. They must not
// be touched after Close either.
func (s *Slab) Floats() []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(s.Bytes))), len(s.Bytes)/4)
}
