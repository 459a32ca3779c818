package training

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"graft/internal/kernel"
)

// keyOf is 64 bits that stand for a seed, a name and some numbers. Whatever is drawn
// has a key of its own and counters within it, so that drawing one thing never
// shifts another, and anything can be drawn again.
func keyOf(seed uint64, name string, numbers ...uint64) uint64 {
	h := sha256.New()
	b := binary.LittleEndian.AppendUint64(nil, seed)
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	h.Write(b)
	h.Write([]byte(name))
	return binary.LittleEndian.Uint64(h.Sum(nil))
}

// draw is number i of a key: 64 bits.
func draw(key uint64, i int) uint64 {
	return kernel.Mix(key + uint64(i)*0x9e3779b97f4a7c15)
}

// fillUniform draws from [-bound, bound).
func fillUniform(x []float32, key uint64, bound float64) {
	for i := range x {
		x[i] = float32((float64(draw(key, i)>>11)/(1<<52) - 1) * bound)
	}
}

// fillNormal draws from the normal distribution (Box and Muller, two draws a number).
func fillNormal(x []float32, key uint64, deviation float64) {
	for i := range x {
		u, v := float64(draw(key, 2*i)>>11+1)/(1<<53), float64(draw(key, 2*i+1)>>11)/(1<<53)
		x[i] = float32(deviation * math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v))
	}
}

// permutation is 0…n-1 in an order drawn from key (Fisher and Yates).
func permutation(n int, key uint64) []int {
	p := make([]int, n)
	for i := range p {
		j := int(draw(key, i) % uint64(i+1)) // the bias is n/2^64
		p[i] = p[j]
		p[j] = i
	}
	return p
}
