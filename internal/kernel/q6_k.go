package kernel

// Q6_K: 256 numbers in 210 bytes, sixteen sub-blocks of 16 with scales of eight
// bits, x = (d*sc)*(q-32).
//
//	0    ql      128 bytes, the low four bits
//	128  qh      64 bytes, the upper two
//	192  scales  16 signed bytes
//	208  d       f16
//
// Number 128h+32s+j (h < 2, s < 4, j < 32) has its low bits in byte
// 64h+32(s%2)+j of ql, in the low half when s < 2, and its upper bits at bit 2s
// of byte 32h+j of qh.
func init() {
	register(Format{
		Type: Q6_K, Name: "Q6_K", BlockLen: 256, BlockBytes: 210,
		Dequantize: dequantizeQ6_K,
		packing: &packing{
			fields: []field{{0, 32, 4}, {128, 16, 4}, {192, 16, 1}, {208, 1, 2}},
			bits:   6, step: 16, shift: 5,
			unpack: unpackQ6_K,
		},
	})
}

func dequantizeQ6_K(dst []float32, src []byte) {
	blockwise(dst, src, 256, 210, func(x []float32, b []byte) {
		d := half(b[208:])
		for i := range x {
			h, s, j := i/128, i/32%4, i%32
			q := b[64*h+32*(s%2)+j]>>(s/2*4)&15 | b[128+32*h+j]>>(2*s)&3<<4
			ds := d * float32(int8(b[192+i/16]))
			x[i] = ds * float32(int(q)-32)
		}
	})
}

func unpackQ6_K(q []uint8, scale, _ []float32, src []byte) {
	low, high := src[:2048], src[2048:3072]
	for i := range q[:4096] {
		h, s, j := i/2048, i/512%4, i%512
		q[i] = low[1024*h+512*(s%2)+j]>>(s/2*4)&15 | high[512*h+j]>>(2*s)&3<<4
	}
	for i := range scale[:256] {
		scale[i] = half(src[3328+2*(i%16):]) * float32(int8(src[3072+i]))
	}
}
