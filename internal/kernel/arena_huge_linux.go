package kernel

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapHuge maps n bytes from a large page on. Go's heap begins them anywhere, and
// memory that is then of small pages takes a walk through page tables for each.
func mapHuge(n int) *hugeArena {
	all, err := unix.Mmap(-1, 0, n+hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return &hugeArena{make([]byte, n)}
	}
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(all))) & (hugePage - 1))
	a := &hugeArena{all[skip : skip+n : skip+n]}
	adviseHuge(a.Bytes)
	runtime.AddCleanup(a, func(all []byte) { _ = unix.Munmap(all) }, all)
	return a
}
