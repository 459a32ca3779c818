//go:build !amd64 || purego

package kernel

// run computes the tile.
func (t *tile) run(f *Format) {
	if t.words != nil {
		t.genericWords(f.packing)
		return
	}
	t.generic(f.packing)
}

// takesPacked says that tiles of so many rows of activations read packed groups, not panels.
func takesPacked(f *Format, rows int) bool { return false }

// groupsAtOnce is how many of n packed groups one call takes.
func groupsAtOnce(rows, n int) int { return 1 }

// rowsAtOnce is how many rows of activations one call takes.
func rowsAtOnce() int { return maxTokens }
