package bench

import (
	"math"
	"math/rand/v2"
	"testing"

	"graft/internal/kernel"
)

// TestSupply reads what was drawn as the formats say: about zero on average, with the
// deviation that was asked for, in every part of a block.
func TestSupply(t *testing.T) {
	const width, n = 1024, 1 << 20
	for typ, draw := range map[kernel.Type]func(*rand.Rand, []byte, float64){kernel.Q4_K: randomQ4K, kernel.Q6_K: randomQ6K} {
		s := newSupply(rand.New(rand.NewPCG(1, 1)), typ, n, width, draw)
		m := s.matrix("w", n/width, width)
		x := make([]float32, n)
		s.format.Dequantize(x, m.Data)
		for part := range 8 {
			sum, squares, count := 0., 0., 0.
			for i := part * 32; i < n; i += 256 {
				for _, v := range x[i : i+32] {
					sum, squares, count = sum+float64(v), squares+float64(v)*float64(v), count+1
				}
			}
			mean, deviation := sum/count*math.Sqrt(width), math.Sqrt(squares/count*width)
			if math.Abs(mean) > 0.05 || math.Abs(deviation-1) > 0.03 {
				t.Errorf("%v, part %d: mean %.3f, deviation %.3f, want 0 and 1", typ, part, mean, deviation)
			}
		}
	}
}
