//go:build !linux && !darwin

package hub

import (
	"errors"
	"syscall"
)

// DiskFree does not know here.
func DiskFree(string) (int64, bool) { return 0, false }

func isNoSpace(err error) bool {
	const windowsDiskFull = syscall.Errno(112) // ERROR_DISK_FULL
	return errors.Is(err, windowsDiskFull)
}

// syncDir is not needed where renames are durable by themselves.
func syncDir(string) error { return nil }
