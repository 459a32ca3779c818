// Scales and mins of sixteen rows, of group blocks at SI, to R8 and R9, for AVX2.

#define BYTES(value, X, Y) MOVL $(value*0x01010101), AX; VMOVD AX, X; VPBROADCASTD X, Y

#define HALVES(from, dst) \
	VCVTPH2PS (from)(SI), Y1 \
	VCVTPH2PS (from+16)(SI), Y2 \
	VMOVUPS Y1, (dst) \
	VMOVUPS Y2, 32(dst)

// Scales and mins of eight rows of Q4_K and Q5_K at SI, as in the unpackers for
// AVX-512: half is 0 or 32.
#define KSCALES(half) \
	VMOVDQU (half)(SI), Y1 \
	VMOVDQU (64+half)(SI), Y2 \
	VMOVDQU (128+half)(SI), Y3 \
	VCVTPH2PS (192+half/2)(SI), Y8 \
	VCVTPH2PS (224+half/2)(SI), Y9 \
	VXORPS Y13, Y9, Y9 \
	VPAND Y12, Y1, Y4 \
	VPAND Y12, Y2, Y5 \
	VPAND Y15, Y3, Y6 \
	VPSRLD $4, Y3, Y7 \
	VPAND Y15, Y7, Y7 \
	VPSRLD $2, Y1, Y1 \
	VPSRLD $2, Y2, Y2 \
	VPAND Y14, Y1, Y1 \
	VPAND Y14, Y2, Y2 \
	VPOR Y1, Y6, Y6 \
	VPOR Y2, Y7, Y7 \
	KSCALE(Y4, Y8, R8, half) \
	KSCALE(Y5, Y9, R9, half) \
	KSCALE(Y6, Y8, R8, (256+half)) \
	KSCALE(Y7, Y9, R9, (256+half))

#define KSCALE(bytes, d, dst, off) \
	KBYTE(bytes, $0, d, (off), dst) \
	KBYTE(bytes, $8, d, (off+64), dst) \
	KBYTE(bytes, $16, d, (off+128), dst) \
	KBYTE(bytes, $24, d, (off+192), dst)

#define KBYTE(bytes, shift, d, off, dst) \
	VPSRLD shift, bytes, Y1 \
	VPAND Y11, Y1, Y1 \
	VCVTDQ2PS Y1, Y1 \
	VMULPS d, Y1, Y1 \
	VMOVUPS Y1, off(dst)

#define KCONSTANTS \
	BYTES(0x0f, X15, Y15) \
	BYTES(0x30, X14, Y14) \
	BYTES(0x3f, X12, Y12) \
	MOVL $0x80000000, AX \
	VMOVD AX, X13 \
	VPBROADCASTD X13, Y13 \
	MOVL $0xff, AX \
	VMOVD AX, X11 \
	VPBROADCASTD X11, Y11
