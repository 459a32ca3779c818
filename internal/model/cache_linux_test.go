package model_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"graft/internal/kernel"
	"graft/internal/model"
)

// ownMemory is how much memory of no file this program holds, in bytes.
func ownMemory(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "RssAnon:")
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// Blocks that were written take memory, and give all of it back when released:
// it is there for adapters.
func TestCacheRelease(t *testing.T) {
	// SmolLM2-135M's: 90 pages of 4 KiB a block.
	s := model.CacheSpec{Layers: 30, KVHeads: 3, HeadDim: 64, Type: kernel.F16, BlockLen: 16, Blocks: 200}
	c, err := model.NewCache(s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before := ownMemory(t)
	var blocks []int32
	for b := range int32(100) {
		blocks = append(blocks, 2*b+1)
		c.CopyBlock(2*b+1, 2*b) // reads of untouched pages cost nothing
	}
	held := 100 * int(s.BlockBytes())
	written := ownMemory(t)
	c.Release(blocks)
	after := ownMemory(t)
	if written-before < held*9/10 || after-before > held/10 {
		t.Errorf("memory: %d before, %d after writing %d bytes, %d after Release", before, written, held, after)
	}
}
