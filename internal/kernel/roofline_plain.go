package kernel

import "encoding/binary"

// The loops of MeasurePeaks in Go. What they come to is returned, lest the compiler
// leave them out.

//go:noinline
func readPlain(b []byte) (sum uint64) {
	for ; len(b) >= 8; b = b[8:] {
		sum ^= binary.LittleEndian.Uint64(b)
	}
	return sum
}

//go:noinline
func fmaPlain(steps int) (y float32) {
	x := float32(0.5)
	for range steps {
		y = fma32(x, x, y)
	}
	return y
}

//go:noinline
func int8Plain(steps int) (sum int32) {
	for i := range steps {
		sum += int32(uint8(i)) * int32(int8(i))
	}
	return sum
}
