package kernel

import "math"

// Q8_0: 32 numbers in 34 bytes, x = d*q.
//
//	0  d   f16
//	2  qs  32 signed bytes
func init() {
	register(Format{
		Type: Q8_0, Name: "Q8_0", BlockLen: 32, BlockBytes: 34,
		Dequantize: dequantizeQ8_0,
		Quantize:   quantizeQ8_0,
		packing: &packing{
			fields: []field{{2, 8, 4}, {0, 1, 2}},
			bits:   8, step: 32, shift: 7,
			unpack: func(q []uint8, scale, _ []float32, src []byte) {
				for i, b := range src[:512] {
					q[i] = b ^ 0x80 // q+128
				}
				unpackHalves(scale, src[512:])
			},
		},
	})
}

func dequantizeQ8_0(dst []float32, src []byte) {
	blockwise(dst, src, 32, 34, func(x []float32, b []byte) {
		d := half(b)
		for i, q := range b[2:34] {
			x[i] = d * float32(int8(q))
		}
	})
}

func quantizeQ8_0(dst []byte, src []float32) {
	blockwise(src, dst, 32, 34, func(x []float32, b []byte) {
		d := float32(math.Abs(float64(farthest(x)))) / 127
		id := reciprocal(d)
		putHalf(b, d)
		for i, f := range x {
			b[2+i] = byte(int8(math.Round(float64(float32(f * id)))))
		}
	})
}
