//go:build !purego

package kernel

import (
	"sync"
	"syscall"
	"unsafe"
)

// Linux hands the tile registers out on request: Documentation/arch/x86/xstate.rst.
const (
	archReqXcompPerm = 0x1023
	xfeatureTileData = 18
	xcr0Tiles        = 1<<17 | 1<<18
)

// tilesWork tells whether instructions of AMX can be executed. Virtual machines exist
// that announce them and fault at the first, so besides asking the operating system
// some are tried.
var tilesWork = sync.OnceValue(func() bool {
	if xcr0()&xcr0Tiles != xcr0Tiles {
		return false
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, archReqXcompPerm, xfeatureTileData, 0); e != 0 {
		return false
	}
	return survives(tryTiles)
})

// sigaction is the kernel's struct of that name.
type sigaction struct {
	handler, flags, restorer, mask uintptr
}

// survives runs try, and tells whether none of its instructions was illegal. For this
// time a handler of our own has SIGILL, which Go would end the program at; it steps
// over the instruction, so those tried must be five bytes long, and must have try
// return true.
func survives(try func() bool) bool {
	const (
		siginfo, restore, onstack = 0x4, 0x04000000, 0x08000000

		maskBytes = 8
	)
	handler, restorer := illegalHandler()
	mine, before := sigaction{handler: handler, flags: siginfo | restore | onstack, restorer: restorer}, sigaction{}
	set := func(to, old *sigaction) bool {
		_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGILL), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(old)), maskBytes, 0, 0)
		return e == 0
	}
	if !set(&mine, &before) {
		return false
	}
	illegal := try()
	return set(&before, nil) && !illegal
}

// xcr0 is the register that says which states the operating system saves.
func xcr0() uint64

// illegalHandler is the address of the handler and of what returns from it.
func illegalHandler() (handler, restorer uintptr)

// tryTiles and tryIllegal execute instructions of AMX and one that no processor has,
// and return true when the handler stepped over one.
func tryTiles() bool
func tryIllegal() bool
