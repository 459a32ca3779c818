package kernel

import (
	"encoding/binary"
	"slices"
)

// Q5_1: 32 numbers in 24 bytes, x = d*q + m.
//
//	0  d   f16
//	2  m   f16, the least number
//	4  qh  4 bytes; bit i is the fifth bit of number i
//	8  qs  16 bytes; byte i holds the low four of number i (low half) and i+16 (high half)
func init() {
	register(Format{
		Type: Q5_1, Name: "Q5_1", BlockLen: 32, BlockBytes: 24,
		Dequantize: dequantizeQ5_1,
		Quantize:   quantizeQ5_1,
		packing: &packing{
			fields: []field{{8, 4, 4}, {4, 1, 4}, {0, 1, 2}, {2, 1, 2}},
			high:   4,
			bits:   5, step: 32, shift: noShift, mins: true,
			unpack: func(q []uint8, scale, mins []float32, src []byte) {
				unpackNibbles(q, src)
				unpackHighBits(q, src[256:])
				unpackHalves(scale, src[320:])
				unpackHalves(mins, src[352:])
			},
		},
	})
}

func dequantizeQ5_1(dst []float32, src []byte) {
	blockwise(dst, src, 32, 24, func(x []float32, b []byte) {
		d, m := half(b), half(b[2:])
		high := binary.LittleEndian.Uint32(b[4:])
		for i, q := range b[8:24] {
			x[i] = float32(d*float32(fifth(q&15, high, i))) + m
			x[i+16] = float32(d*float32(fifth(q>>4, high, i+16))) + m
		}
	})
}

func quantizeQ5_1(dst []byte, src []float32) {
	blockwise(src, dst, 32, 24, func(x []float32, b []byte) {
		m := slices.Min(x)
		d := (slices.Max(x) - m) / 31
		id := reciprocal(d)
		putHalf(b, d)
		putHalf(b[2:], m)
		var high uint32
		for i := range 16 {
			q0, q1 := code(float32((x[i]-m)*id)+0.5, 31), code(float32((x[i+16]-m)*id)+0.5, 31)
			b[8+i] = q0&15 | q1<<4
			high |= uint32(q0>>4)<<i | uint32(q1>>4)<<(i+16)
		}
		binary.LittleEndian.PutUint32(b[4:], high)
	})
}
