package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFullDisk(t *testing.T) {
	c := testConfig(t)
	if err := unix.Mount("tmpfs", c.DataDir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting needs root: %v", err)
	}
	defer unix.Unmount(c.DataDir, unix.MNT_DETACH)
	for _, used := range []int{64 << 10, 48 << 10} { // nothing can be written; not all of it
		if err := os.WriteFile(filepath.Join(c.DataDir, "ballast"), make([]byte, used), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := New(c)
		if err == nil || !strings.Contains(err.Error(), c.DataDir+" is full: make room, or choose another with --data-dir") {
			t.Errorf("%d bytes used: %v", used, err)
		}
	}
}

// TestDataDirCannotBeMade: as under a home folder that is not there or read-only.
func TestDataDirCannotBeMade(t *testing.T) {
	c := testConfig(t)
	c.DataDir = "/proc/none/graft"
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "cannot be written: choose another with --data-dir") {
		t.Errorf("%v", err)
	}
}

func TestDataDirIsAFile(t *testing.T) {
	c := testConfig(t)
	c.DataDir = filepath.Join(c.DataDir, "file")
	if err := os.WriteFile(c.DataDir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "cannot be written: choose another with --data-dir") {
		t.Errorf("%v", err)
	}
}
