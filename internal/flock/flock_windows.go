package flock

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock takes one byte far behind the note, so that the note stays readable.
func lock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
		&windows.Overlapped{OffsetHigh: 1})
	if err == windows.ERROR_LOCK_VIOLATION {
		return ErrHeld
	}
	return err
}
