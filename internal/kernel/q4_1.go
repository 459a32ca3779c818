package kernel

import "slices"

// Q4_1: 32 numbers in 20 bytes, x = d*q + m.
//
//	0  d   f16
//	2  m   f16, the least number
//	4  qs  16 bytes; byte i holds q of number i (low half) and i+16 (high half)
func init() {
	register(Format{
		Type: Q4_1, Name: "Q4_1", BlockLen: 32, BlockBytes: 20,
		Dequantize: dequantizeQ4_1,
		Quantize:   quantizeQ4_1,
		packing: &packing{
			fields: []field{{4, 4, 4}, {0, 1, 2}, {2, 1, 2}},
			bits:   4, step: 32, shift: noShift, mins: true,
			unpack: func(q []uint8, scale, mins []float32, src []byte) {
				unpackNibbles(q, src)
				unpackHalves(scale, src[256:])
				unpackHalves(mins, src[288:])
			},
		},
	})
}

func dequantizeQ4_1(dst []float32, src []byte) {
	blockwise(dst, src, 32, 20, func(x []float32, b []byte) {
		d, m := half(b), half(b[2:])
		for i, q := range b[4:20] {
			x[i] = float32(d*float32(q&15)) + m
			x[i+16] = float32(d*float32(q>>4)) + m
		}
	})
}

func quantizeQ4_1(dst []byte, src []float32) {
	blockwise(src, dst, 32, 20, func(x []float32, b []byte) {
		m := slices.Min(x)
		d := (slices.Max(x) - m) / 15
		id := reciprocal(d)
		putHalf(b, d)
		putHalf(b[2:], m)
		for i := range 16 {
			b[4+i] = code(float32((x[i]-m)*id)+0.5, 15) | code(float32((x[i+16]-m)*id)+0.5, 15)<<4
		}
	})
}
