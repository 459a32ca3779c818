package kernel

// Q5_K: 256 numbers in 176 bytes, eight sub-blocks of 32 with six-bit scales and
// mins, x = (d*sc)*q - (dmin*m).
//
//	0   d       f16
//	2   dmin    f16
//	4   scales  12 bytes, see kScales
//	16  qh      32 bytes; bit s of byte j is the fifth bit of number j of sub-block s
//	48  qs      128 bytes; byte 32i+j holds the low four of number j of sub-block 2i (low half) and 2i+1 (high half)
func init() {
	register(Format{
		Type: Q5_K, Name: "Q5_K", BlockLen: 256, BlockBytes: 176,
		Dequantize: dequantizeQ5_K,
		packing: &packing{
			fields: []field{{48, 32, 4}, {16, 8, 4}, {4, 3, 4}, {0, 1, 2}, {2, 1, 2}},
			bits:   5, step: 32, shift: noShift, mins: true,
			unpack: func(q []uint8, scale, mins []float32, src []byte) {
				unpackNibblePairs(q, src)
				for s := range 8 {
					for i, h := range src[2048:2560] {
						q[512*s+i] |= h >> s & 1 << 4
					}
				}
				unpackKScales(scale, mins, src[2560:])
			},
		},
	})
}

func dequantizeQ5_K(dst []float32, src []byte) {
	blockwise(dst, src, 256, 176, func(x []float32, b []byte) {
		d, dmin := half(b), half(b[2:])
		sc, m := kScales(b[4:16])
		for s := range 8 {
			ds, ms := d*float32(sc[s]), dmin*float32(m[s])
			for j, q := range b[48+s/2*32:][:32] {
				q = q>>(s%2*4)&15 | b[16+j]>>s&1<<4
				x[32*s+j] = float32(ds*float32(q)) - ms
			}
		}
	})
}
