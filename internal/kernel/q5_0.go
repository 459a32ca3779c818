package kernel

import "encoding/binary"

// Q5_0: 32 numbers in 22 bytes, x = d*(q-16).
//
//	0  d   f16
//	2  qh  4 bytes; bit i is the fifth bit of number i
//	6  qs  16 bytes; byte i holds the low four of number i (low half) and i+16 (high half)
func init() {
	register(Format{
		Type: Q5_0, Name: "Q5_0", BlockLen: 32, BlockBytes: 22,
		Dequantize: dequantizeQ5_0,
		Quantize:   quantizeQ5_0,
		packing: &packing{
			fields: []field{{6, 4, 4}, {2, 1, 4}, {0, 1, 2}},
			high:   2,
			bits:   5, step: 32, shift: 4,
			unpack: func(q []uint8, scale, _ []float32, src []byte) {
				unpackNibbles(q, src)
				unpackHighBits(q, src[256:])
				unpackHalves(scale, src[320:])
			},
		},
	})
}

func dequantizeQ5_0(dst []float32, src []byte) {
	blockwise(dst, src, 32, 22, func(x []float32, b []byte) {
		d := half(b)
		high := binary.LittleEndian.Uint32(b[2:])
		for i, q := range b[6:22] {
			x[i] = d * float32(int(fifth(q&15, high, i))-16)
			x[i+16] = d * float32(int(fifth(q>>4, high, i+16))-16)
		}
	})
}

func quantizeQ5_0(dst []byte, src []float32) {
	blockwise(src, dst, 32, 22, func(x []float32, b []byte) {
		d := farthest(x) / -16
		id := reciprocal(d)
		putHalf(b, d)
		var high uint32
		for i := range 16 {
			q0, q1 := code(float32(x[i]*id)+16.5, 31), code(float32(x[i+16]*id)+16.5, 31)
			b[6+i] = q0&15 | q1<<4
			high |= uint32(q0>>4)<<i | uint32(q1>>4)<<(i+16)
		}
		binary.LittleEndian.PutUint32(b[2:], high)
	})
}

// fifth puts bit i of high above the four bits of q.
func fifth(q byte, high uint32, i int) byte { return q | byte(high>>i&1)<<4 }
