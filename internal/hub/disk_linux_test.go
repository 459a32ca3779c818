package hub

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFullDisk fills a small file system: the check before the download is
// off, so that writing itself meets the end of the disk.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("mounting needs root: %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(1 << 20)})
	h := testHub(t, fake.URL, fake.model("m.gguf"))
	h.opts.Dir = dir
	if _, err := h.Pull(context.Background(), "test-model", nil); !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), "are free") {
		t.Fatalf("the check before: %v", err)
	}
	h.free = func(string) (int64, bool) { return 0, false }
	_, err := h.Pull(context.Background(), "test-model", nil)
	if !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), dir+" is full") || !strings.Contains(err.Error(), "--data-dir") {
		t.Fatalf("%v", err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Fatal(err)
	}
}

func TestDiskFreeOfMissingDirectory(t *testing.T) {
	if n, ok := DiskFree(t.TempDir() + "/a/b"); !ok || n <= 0 {
		t.Fatalf("%d %v", n, ok)
	}
}
