//go:build linux || darwin

package hub

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// DiskFree is how much an ordinary user may still write under dir, in bytes.
// Directories that do not exist yet count as their nearest parent.
func DiskFree(dir string) (int64, bool) {
	var st unix.Statfs_t
	for unix.Statfs(dir, &st) != nil {
		parent := filepath.Dir(dir)
		if parent == dir {
			return 0, false
		}
		dir = parent
	}
	return int64(st.Bavail) * int64(st.Bsize), true //nolint:unconvert // their types differ between systems
}

func isNoSpace(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
