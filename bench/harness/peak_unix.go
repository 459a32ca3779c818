//go:build unix

package harness

import (
	"os"
	"runtime"
	"syscall"
)

// PeakOf is the most memory that a process held which has ended, in bytes; 0 where the
// system does not tell.
func PeakOf(s *os.ProcessState) int64 {
	u, ok := s.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin" || runtime.GOOS == "ios": // getrusage(2) there
		return int64(u.Maxrss)
	default:
		return int64(u.Maxrss) << 10 // KiB
	}
}
