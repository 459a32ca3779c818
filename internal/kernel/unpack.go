package kernel

// steps is how many scales a panel of n group blocks has.
func (f *Format) steps(n int) int { return n * f.BlockLen / f.packing.step * groupRows }

func (f *Format) unpackGeneric(q []uint8, scale, mins []float32, src []byte, n int) {
	size, steps := groupRows*f.BlockBytes, f.steps(1)
	for i := range n {
		f.packing.unpack(q[i*f.BlockLen*groupRows:], scale[i*steps:], mins[i*steps:], src[i*size:(i+1)*size])
	}
}

// What follows are parts of the formats' portable unpackers.

// unpackNibbles reads 256 bytes: quads 0–3 in the low halves, 4–7 in the high ones.
func unpackNibbles(q []uint8, src []byte) {
	for i, b := range src[:256] {
		q[i], q[i+256] = b&15, b>>4
	}
}

// unpackNibblePairs reads 2048 bytes: of each 512, one sub-block of 32 columns in
// the low halves, the next in the high ones.
func unpackNibblePairs(q []uint8, src []byte) {
	for s := range 4 {
		pair := q[1024*s:]
		for i, b := range src[512*s : 512*s+512] {
			pair[i], pair[i+512] = b&15, b>>4
		}
	}
}

// unpackHighBits adds the fifth bits: bit j of the 64 bytes belongs to quad j.
func unpackHighBits(q []uint8, src []byte) {
	for j := range 8 {
		for i, h := range src[:64] {
			q[64*j+i] |= h >> j & 1 << 4
		}
	}
}

// unpackHalves reads 16 half-precision numbers.
func unpackHalves(dst []float32, src []byte) { DecodeF16(dst[:16], src) }

// unpackKScales reads the scales of Q4_K and Q5_K: 12 bytes a row as three
// four-byte elements, then d, then dmin.
func unpackKScales(scale, mins []float32, src []byte) {
	for r := range groupRows {
		var b [12]byte
		for i := range b {
			b[i] = src[64*(i/4)+4*r+i%4]
		}
		d, dmin := half(src[192+2*r:]), half(src[224+2*r:])
		sc, m := kScales(b[:])
		for s := range 8 {
			scale[16*s+r] = d * float32(sc[s])
			mins[16*s+r] = -dmin * float32(m[s])
		}
	}
}
