package kernel

import (
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestHugeArena: memory begins on a large page, fills the last one only if that is
// nearly full anyway, and goes back to the system once no one holds a part of it.
func TestHugeArena(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1000: 1000, hugePage: hugePage, hugePage + 1: hugePage + 1, 2*hugePage - 4096: 2 * hugePage, 10*hugePage + 1: 11 * hugePage} {
		if have := len(newHugeArena(n).Bytes); have != want {
			t.Errorf("%d bytes: %d, want %d", n, have, want)
		}
	}
	a, err := NewUp(Source{Type: F32, Rows: 1 << 12, Cols: 1 << 8, Data: make([]byte, 4<<20)})
	if err != nil {
		t.Fatal(err)
	}
	m := mustMatrix(t, Source{Type: F32, Rows: 1 << 8, Cols: 64, Data: make([]byte, 1<<16)})
	if spare := Gather([]*Matrix{m}, []*Up{a}); spare != 0 {
		t.Errorf("%d bytes to spare", spare)
	}
	at := uintptr(unsafe.Pointer(&m.data[0]))
	if at%hugePage != 0 {
		t.Errorf("memory begins at %#x, within a large page", at)
	}
	mapped := func() bool {
		_, _, errno := unix.Syscall(unix.SYS_MSYNC, at, 4096, unix.MS_ASYNC)
		return errno == 0
	}
	a = nil
	runtime.GC()
	if !mapped() {
		t.Fatal("the memory is gone while A is in use")
	}
	runtime.KeepAlive(m)
	m = nil
	for end := time.Now().Add(10 * time.Second); mapped(); runtime.GC() {
		if time.Now().After(end) {
			t.Fatal("nobody has a part of the memory, and it is still there")
		}
		time.Sleep(time.Millisecond)
	}
}
