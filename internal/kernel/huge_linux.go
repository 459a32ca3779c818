package kernel

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adviseHuge asks for large pages under the whole pages of b. A system that has
// none, or does not want to, serves small ones.
func adviseHuge(b []byte) {
	page := uintptr(os.Getpagesize())
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (page - 1)
	if uintptr(len(b)) < skip+page {
		return
	}
	b = b[skip:]
	_ = unix.Madvise(b[:uintptr(len(b))&^(page-1)], unix.MADV_HUGEPAGE)
}
