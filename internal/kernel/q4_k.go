package kernel

// Q4_K: 256 numbers in 144 bytes, eight sub-blocks of 32 with six-bit scales and
// mins, x = (d*sc)*q - (dmin*m).
//
//	0   d       f16
//	2   dmin    f16
//	4   scales  12 bytes, see kScales
//	16  qs      128 bytes; byte 32i+j holds q of number j of sub-block 2i (low half) and 2i+1 (high half)
func init() {
	register(Format{
		Type: Q4_K, Name: "Q4_K", BlockLen: 256, BlockBytes: 144,
		Dequantize: dequantizeQ4_K,
		packing: &packing{
			fields: []field{{16, 32, 4}, {4, 3, 4}, {0, 1, 2}, {2, 1, 2}},
			bits:   4, step: 32, shift: noShift, mins: true,
			unpack: func(q []uint8, scale, mins []float32, src []byte) {
				unpackNibblePairs(q, src)
				unpackKScales(scale, mins, src[2048:])
			},
		},
	})
}

func dequantizeQ4_K(dst []float32, src []byte) {
	blockwise(dst, src, 256, 144, func(x []float32, b []byte) {
		d, dmin := half(b), half(b[2:])
		sc, m := kScales(b[4:16])
		for s := range 8 {
			ds, ms := d*float32(sc[s]), dmin*float32(m[s])
			for j, q := range b[16+s/2*32:][:32] {
				x[32*s+j] = float32(ds*float32(q>>(s%2*4)&15)) - ms
			}
		}
	})
}

// kScales unpacks the eight scales and mins of Q4_K and Q5_K. Bytes 0–3 hold
// scales 0–3 and 4–7 mins 0–3, six bits each; bytes 8–11 the low four bits of
// scales 4–7 (low half) and mins 4–7 (high half), whose upper two bits are on
// top of bytes 0–3 and 4–7.
func kScales(b []byte) (sc, m [8]uint8) {
	for i := range 4 {
		sc[i], m[i] = b[i]&63, b[i+4]&63
		sc[i+4] = b[i+8]&15 | b[i]>>6<<4
		m[i+4] = b[i+8]>>4 | b[i+4]>>6<<4
	}
	return sc, m
}
