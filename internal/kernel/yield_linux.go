package kernel

import "golang.org/x/sys/unix"

// yieldCore lets another thread that waits for this core have it now; without one it
// returns at once. Go is not told: to it this is like being interrupted by the system.
func yieldCore() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
