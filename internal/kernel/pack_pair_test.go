package kernel

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestPackPair: two rows together are laid out as one after the other.
func TestPackPair(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, f := range Formats() {
		if f.packing == nil {
			continue
		}
		for _, blocks := range []int{1, 2, 5} {
			rows := make([][]byte, groupRows)
			for r := range rows {
				rows[r] = make([]byte, blocks*f.BlockBytes)
				for i := range rows[r] {
					rows[r][i] = byte(rng.Uint32())
				}
			}
			want, got := make([]byte, groupRows*len(rows[0])), make([]byte, groupRows*len(rows[0]))
			for r := range rows {
				f.packRow(want, rows[r], r)
			}
			for r := 0; r < groupRows; r += 2 {
				f.packPair(got, rows[r], rows[r+1], r)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s, %d blocks:\n%x\n%x", f, blocks, got, want)
			}
		}
	}
}
