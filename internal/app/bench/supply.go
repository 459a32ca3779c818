package bench

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"graft/internal/kernel"
	"graft/internal/weights"
)

// drawn is how many blocks are drawn for each format: the matrices are cut out of
// their repetition, each beginning somewhere else.
const drawn = 1 << 14

// supply is random weights, stored, more than the largest matrix has.
type supply struct {
	rng    *rand.Rand
	format *kernel.Format
	data   []byte
}

// newSupply draws blocks of weights whose deviation is 1/√width, so that products keep
// the size of what is multiplied.
func newSupply(rng *rand.Rand, t kernel.Type, largest, width int, draw func(rng *rand.Rand, block []byte, deviation float64)) *supply {
	f, ok := kernel.FormatOf(t)
	if !ok {
		panic(fmt.Sprintf("bench: there is no format %v", t))
	}
	some := make([]byte, drawn*f.BlockBytes)
	for at := 0; at < len(some); at += f.BlockBytes {
		draw(rng, some[at:at+f.BlockBytes], 1/math.Sqrt(float64(width)))
	}
	s := &supply{rng: rng, format: f, data: make([]byte, 0, largest/f.BlockLen*f.BlockBytes+len(some))}
	for len(s.data) < cap(s.data) {
		s.data = append(s.data, some[:min(len(some), cap(s.data)-len(s.data))]...)
	}
	return s
}

func (s *supply) matrix(name string, rows, cols int) weights.Tensor {
	size := rows * cols / s.format.BlockLen * s.format.BlockBytes
	at := s.rng.IntN((len(s.data)-size)/s.format.BlockBytes+1) * s.format.BlockBytes
	return weights.Tensor{Name: name, DType: s.format.Name, Type: s.format.Type, Shape: []int{rows, cols}, Data: s.data[at : at+size]}
}

func fill(rng *rand.Rand, b []byte) {
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rng.Uint64())
	}
}

func putHalf(b []byte, v float64) { binary.LittleEndian.PutUint16(b, kernel.F32ToF16(float32(v))) }

// randomQ4K draws a block of Q4_K: x = d*scale*q - dmin*min, q of 0..15 evenly, whose
// deviation is √(255/12) and whose mean is 7.5; min is scale, and dmin 7.5 d.
func randomQ4K(rng *rand.Rand, b []byte, deviation float64) {
	fill(rng, b[16:])
	d := deviation / (48 * math.Sqrt(255./12))
	putHalf(b, d)
	putHalf(b[2:], 7.5*d)
	for j := range 4 { // scales j and j+4, packed as get_scale_min_k4 of ggml reads them
		low, high := byte(40+rng.IntN(17)), byte(40+rng.IntN(17)) // 48 on average
		b[4+j] = low | high>>4<<6
		b[8+j] = low | high>>4<<6
		b[12+j] = high&15 | high&15<<4
	}
}

// randomQ6K draws a block of Q6_K: x = d*scale*(q-32), q of 0..63 evenly, whose
// deviation is √(4095/12).
func randomQ6K(rng *rand.Rand, b []byte, deviation float64) {
	fill(rng, b[:192])
	for j := range 16 {
		b[192+j] = byte(40 + rng.IntN(17))
	}
	putHalf(b[208:], deviation/(48*math.Sqrt(4095./12)))
}
