package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestProveOnFullDisk: a disk that becomes full ends the run with an error that says where
// and what to do; with room again the same command goes on, and asks nothing twice but
// what had found no place.
func TestProveOnFullDisk(t *testing.T) {
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	p.arms(40, 90)
	whole := t.TempDir()
	status, stdout, stderr := p.run(t, whole, proveArgs(rows, gold, "--no-forgetting")...)
	if status != 0 {
		t.Fatalf("status %d, %s", status, stderr)
	}
	want := readProof(t, stdout, stderr)

	data := t.TempDir()
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("mounting needs root: %v", err)
	}
	defer unix.Unmount(data, unix.MNT_DETACH)
	ballast := filepath.Join(data, "ballast")
	p.reset()
	fullAt := 0
	for room := 0; room <= 192<<10; room += 16 << 10 { // of the disk, what the runs so far wrote included
		if err := os.WriteFile(ballast, make([]byte, 8<<20-room), 0o644); err != nil && !strings.Contains(err.Error(), "no space") {
			t.Fatal(err)
		}
		status, stdout, stderr := p.run(t, data, proveArgs(rows, gold, "--no-forgetting")...)
		if status != 1 || !strings.Contains(stderr, "no space left on device") || !strings.Contains(stderr, data) || stdout != "" {
			t.Errorf("%d bytes of room: status %d, %q, %s", room, status, stdout, stderr)
		}
		if strings.Contains(stderr, "journal") {
			fullAt++
		}
		if !strings.Contains(stderr, "run the same command again, it goes on where it was") {
			t.Errorf("the error does not say what to do: %s", stderr)
		}
	}
	if fullAt < 2 {
		t.Errorf("the disk was full %d times in the middle of a run", fullAt)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr = p.run(t, data, proveArgs(rows, gold, "--no-forgetting")...)
	if status != 0 {
		t.Fatalf("with room again: status %d, %s", status, stderr)
	}
	got := readProof(t, stdout, stderr)
	sameResult(t, want.Result, got.Result, whole, data)
	// Four hands find the disk full at once: their answers are lost, and no others.
	again := 0
	for _, n := range p.asked {
		again += n - 1
	}
	if most := fullAt * 4; again > most {
		t.Errorf("%d questions were asked again after %d full disks, at most %d had found no place", again, fullAt, most)
	}
}
