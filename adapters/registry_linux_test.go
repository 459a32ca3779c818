package adapters_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"graft/adapters"
)

// TestFullDisk: a full disk is said to be one, and leaves nothing half-written.
func TestFullDisk(t *testing.T) {
	s := newShelf(t)
	s.Close()
	if err := unix.Mount("tmpfs", s.opts.Dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting needs root: %v", err)
	}
	defer unix.Unmount(s.opts.Dir, unix.MNT_DETACH)
	s.open()
	s.add("fits", 1)
	if err := os.WriteFile(s.opts.Dir+"/ballast", make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	for name, q := range map[string]adapters.AddRequest{
		"in memory": {Adapter: s.random(2)},
		"upload":    {Files: []adapters.File{{Name: "adapter_config.json", Reader: strings.NewReader("{}")}, {Name: "adapter_model.safetensors", Reader: zeros(1 << 20)}}},
	} {
		q.Name = "x"
		if _, err := s.Add(context.Background(), q); !errors.Is(err, adapters.ErrQuota) || !strings.Contains(err.Error(), s.opts.Dir+" is full: make room") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(s.opts.Dir + "/tmp"); len(left) > 0 || len(s.folders()) != 1 {
		t.Errorf("left behind: %v, %d folders", left, len(s.folders()))
	}
}
