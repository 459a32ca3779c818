package kernel

// Q4_0: 32 numbers in 18 bytes, x = d*(q-8).
//
//	0  d   f16
//	2  qs  16 bytes; byte i holds q of number i (low half) and i+16 (high half)
func init() {
	register(Format{
		Type: Q4_0, Name: "Q4_0", BlockLen: 32, BlockBytes: 18,
		Dequantize: dequantizeQ4_0,
		Quantize:   quantizeQ4_0,
		packing: &packing{
			fields: []field{{2, 4, 4}, {0, 1, 2}},
			bits:   4, step: 32, shift: 3,
			unpack: func(q []uint8, scale, _ []float32, src []byte) {
				unpackNibbles(q, src)
				unpackHalves(scale, src[256:])
			},
		},
	})
}

func dequantizeQ4_0(dst []float32, src []byte) {
	blockwise(dst, src, 32, 18, func(x []float32, b []byte) {
		d := half(b)
		for i, q := range b[2:18] {
			x[i] = d * float32(int(q&15)-8)
			x[i+16] = d * float32(int(q>>4)-8)
		}
	})
}

func quantizeQ4_0(dst []byte, src []float32) {
	blockwise(src, dst, 32, 18, func(x []float32, b []byte) {
		d := farthest(x) / -8
		id := reciprocal(d)
		putHalf(b, d)
		for i := range 16 {
			b[2+i] = code(float32(x[i]*id)+8.5, 15) | code(float32(x[i+16]*id)+8.5, 15)<<4
		}
	})
}
