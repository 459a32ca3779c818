package replay

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// TestRandom trains adapters that nobody chose on models that nobody chose, and compares
// each with PEFT.
func TestRandom(t *testing.T) {
	python := os.Getenv("GRAFT_TEST_PYTHON")
	if python == "" {
		t.Skip("GRAFT_TEST_PYTHON names no Python with torch, transformers and peft")
	}
	const count = 60
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("..", "..", "..", "reference", "replay_random.py"), dir, strconv.Itoa(count))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for seed := 1; seed <= count; seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			golden := filepath.Join(dir, strconv.Itoa(seed))
			compare(t, golden, filesOf(t, golden, filepath.Join(golden, "base")), filepath.Join(golden, "single"))
		})
	}
}
