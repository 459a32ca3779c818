//go:build amd64 && !purego

#include "textflag.h"

// Unpackers for AVX-512: n group blocks to a panel, see packing.
//
//	DI R8 R9   panel: weights, scales, mins
//	SI CX      group blocks, and how many are left
//	Z30 Z31    bytes of 0x0f, bytes of 0x10 (Q5) or 0x30 (K formats)

#define ENTER \
	MOVQ q+0(FP), DI \
	MOVQ scale+8(FP), R8 \
	MOVQ mins+16(FP), R9 \
	MOVQ src+24(FP), SI \
	MOVQ n+32(FP), CX

#define BYTES(value, Z) MOVL $(value*0x01010101), AX; VPBROADCASTD AX, Z

#define LEAVE \
	DECQ CX \
	JNE loop \
	VZEROUPPER \
	RET

// The low and the high halves of 64 bytes.
#define NIBBLES(from, low, high) \
	VMOVDQU64 (from)(SI), Z1 \
	VPSRLW $4, Z1, Z2 \
	VPANDD Z30, Z1, Z1 \
	VPANDD Z30, Z2, Z2 \
	VMOVDQU64 Z1, (low)(DI) \
	VMOVDQU64 Z2, (high)(DI)

#define HALVES(from, dst) VCVTPH2PS (from)(SI), Z1; VMOVUPS Z1, (dst)

// func unpackQ4_0AVX512(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ4_0AVX512(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, Z30)
loop:
	NIBBLES(0, 0, 256)
	NIBBLES(64, 64, 320)
	NIBBLES(128, 128, 384)
	NIBBLES(192, 192, 448)
	HALVES(256, R8)
	ADDQ $288, SI
	ADDQ $512, DI
	ADDQ $64, R8
	LEAVE

// func unpackQ4_1AVX512(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ4_1AVX512(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, Z30)
loop:
	NIBBLES(0, 0, 256)
	NIBBLES(64, 64, 320)
	NIBBLES(128, 128, 384)
	NIBBLES(192, 192, 448)
	HALVES(256, R8)
	HALVES(288, R9)
	ADDQ $320, SI
	ADDQ $512, DI
	ADDQ $64, R8
	ADDQ $64, R9
	LEAVE

// Quads j and j+4 of Q5: bit j of the bytes in Z3 is the fifth bit of quad j.
#define FIVES(j) \
	VMOVDQU64 (64*j)(SI), Z1 \
	VPSRLW $4, Z1, Z2 \
	VPANDD Z30, Z1, Z1 \
	VPANDD Z30, Z2, Z2 \
	VPSLLW $(4-j), Z3, Z4 \
	VPSRLW $j, Z3, Z5 \
	VPTERNLOGD $0xf8, Z31, Z4, Z1 \
	VPTERNLOGD $0xf8, Z31, Z5, Z2 \
	VMOVDQU64 Z1, (64*j)(DI) \
	VMOVDQU64 Z2, (64*j+256)(DI)

// func unpackQ5_0AVX512(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ5_0AVX512(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, Z30)
	BYTES(0x10, Z31)
loop:
	VMOVDQU64 256(SI), Z3
	FIVES(0)
	FIVES(1)
	FIVES(2)
	FIVES(3)
	HALVES(320, R8)
	ADDQ $352, SI
	ADDQ $512, DI
	ADDQ $64, R8
	LEAVE

// func unpackQ5_1AVX512(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ5_1AVX512(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, Z30)
	BYTES(0x10, Z31)
loop:
	VMOVDQU64 256(SI), Z3
	FIVES(0)
	FIVES(1)
	FIVES(2)
	FIVES(3)
	HALVES(320, R8)
	HALVES(352, R9)
	ADDQ $384, SI
	ADDQ $512, DI
	ADDQ $64, R8
	ADDQ $64, R9
	LEAVE

#define FLIP(from) VPXORD (from)(SI), Z31, Z1; VMOVDQU64 Z1, (from)(DI)

// func unpackQ8_0AVX512(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ8_0AVX512(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x80, Z31)
loop:
	FLIP(0)
	FLIP(64)
	FLIP(128)
	FLIP(192)
	FLIP(256)
	FLIP(320)
	FLIP(384)
	FLIP(448)
	HALVES(512, R8)
	ADDQ $544, SI
	ADDQ $512, DI
	ADDQ $64, R8
	LEAVE

// Scales and mins of Q4_K and Q5_K at SI: the twelve bytes of kScales as three
// doublewords a row (Z1, Z2, Z3), then d (Z8) and dmin (Z9). Byte k of Z4 is scale
// k, of Z5 min k, of Z6 scale k+4, of Z7 min k+4.
#define KSCALES \
	VMOVDQU64 (SI), Z1 \
	VMOVDQU64 64(SI), Z2 \
	VMOVDQU64 128(SI), Z3 \
	VCVTPH2PS 192(SI), Z8 \
	VCVTPH2PS 224(SI), Z9 \
	VPXORD Z29, Z9, Z9 \
	VPANDD Z28, Z1, Z4 \
	VPANDD Z28, Z2, Z5 \
	VPANDD Z30, Z3, Z6 \
	VPSRLD $4, Z3, Z7 \
	VPANDD Z30, Z7, Z7 \
	VPSRLD $2, Z1, Z1 \
	VPSRLD $2, Z2, Z2 \
	VPTERNLOGD $0xf8, Z31, Z1, Z6 \
	VPTERNLOGD $0xf8, Z31, Z2, Z7 \
	KSCALE(Z4, Z8, R8, 0) \
	KSCALE(Z5, Z9, R9, 0) \
	KSCALE(Z6, Z8, R8, 256) \
	KSCALE(Z7, Z9, R9, 256)

// Four scales: byte k times d.
#define KSCALE(bytes, d, dst, off) \
	KBYTE(bytes, $0, d, (off), dst) \
	KBYTE(bytes, $8, d, (off+64), dst) \
	KBYTE(bytes, $16, d, (off+128), dst) \
	KBYTE(bytes, $24, d, (off+192), dst)

#define KBYTE(bytes, shift, d, off, dst) \
	VPSRLD shift, bytes, Z1 \
	VPANDD Z27, Z1, Z1 \
	VCVTDQ2PS Z1, Z1 \
	VMULPS d, Z1, Z1 \
	VMOVUPS Z1, off(dst)

#define KCONSTANTS \
	BYTES(0x0f, Z30) \
	BYTES(0x30, Z31) \
	BYTES(0x3f, Z28) \
	MOVL $0x80000000, AX \
	VPBROADCASTD AX, Z29 \
	MOVL $0xff, AX \
	VPBROADCASTD AX, Z27

// Sub-blocks 2s and 2s+1 of Q4_K.
#define NIBBLEPAIR(s) \
	NIBBLES((512*s), (1024*s), (1024*s+512)) \
	NIBBLES((512*s+64), (1024*s+64), (1024*s+576)) \
	NIBBLES((512*s+128), (1024*s+128), (1024*s+640)) \
	NIBBLES((512*s+192), (1024*s+192), (1024*s+704)) \
	NIBBLES((512*s+256), (1024*s+256), (1024*s+768)) \
	NIBBLES((512*s+320), (1024*s+320), (1024*s+832)) \
	NIBBLES((512*s+384), (1024*s+384), (1024*s+896)) \
	NIBBLES((512*s+448), (1024*s+448), (1024*s+960))

// func unpackQ4_KAVX512(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ4_KAVX512(SB), NOSPLIT, $0-40
	ENTER
	KCONSTANTS
loop:
	NIBBLEPAIR(0)
	NIBBLEPAIR(1)
	NIBBLEPAIR(2)
	NIBBLEPAIR(3)
	ADDQ $2048, SI
	KSCALES
	ADDQ $256, SI
	ADDQ $4096, DI
	ADDQ $512, R8
	ADDQ $512, R9
	LEAVE

// Quad j of all sub-blocks of Q5_K: bit s of the bytes in Z3 is the fifth bit of sub-block s.
#define KFIVES(j) \
	VMOVDQU64 (2048+64*j)(SI), Z3 \
	KFIVE(0, j, VPSLLW, $4, VPSLLW, $3) \
	KFIVE(1, j, VPSLLW, $2, VPSLLW, $1) \
	KFIVE(2, j, VPSRLW, $0, VPSRLW, $1) \
	KFIVE(3, j, VPSRLW, $2, VPSRLW, $3)

#define KFIVE(s, j, SHIFT0, by0, SHIFT1, by1) \
	VMOVDQU64 (512*s+64*j)(SI), Z1 \
	VPSRLW $4, Z1, Z2 \
	VPANDD Z30, Z1, Z1 \
	VPANDD Z30, Z2, Z2 \
	SHIFT0 by0, Z3, Z4 \
	SHIFT1 by1, Z3, Z5 \
	VPTERNLOGD $0xf8, Z26, Z4, Z1 \
	VPTERNLOGD $0xf8, Z26, Z5, Z2 \
	VMOVDQU64 Z1, (1024*s+64*j)(DI) \
	VMOVDQU64 Z2, (1024*s+64*j+512)(DI)

// func unpackQ5_KAVX512(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ5_KAVX512(SB), NOSPLIT, $0-40
	ENTER
	KCONSTANTS
	BYTES(0x10, Z26)
loop:
	KFIVES(0)
	KFIVES(1)
	KFIVES(2)
	KFIVES(3)
	KFIVES(4)
	KFIVES(5)
	KFIVES(6)
	KFIVES(7)
	ADDQ $2560, SI
	KSCALES
	ADDQ $256, SI
	ADDQ $4096, DI
	ADDQ $512, R8
	ADDQ $512, R9
	LEAVE

// Quad j of the four sub-blocks of 32 columns in half h of Q6_K.
#define SIXES(h, j) \
	VMOVDQU64 (1024*h+64*j)(SI), Z1 \
	VMOVDQU64 (1024*h+64*j+512)(SI), Z2 \
	VMOVDQU64 (2048+512*h+64*j)(SI), Z3 \
	VPSRLW $4, Z1, Z4 \
	VPSRLW $4, Z2, Z5 \
	VPANDD Z30, Z1, Z1 \
	VPANDD Z30, Z2, Z2 \
	VPANDD Z30, Z4, Z4 \
	VPANDD Z30, Z5, Z5 \
	VPSLLW $4, Z3, Z6 \
	VPSLLW $2, Z3, Z7 \
	VPSRLW $2, Z3, Z8 \
	VPTERNLOGD $0xf8, Z31, Z6, Z1 \
	VPTERNLOGD $0xf8, Z31, Z7, Z2 \
	VPTERNLOGD $0xf8, Z31, Z3, Z4 \
	VPTERNLOGD $0xf8, Z31, Z8, Z5 \
	VMOVDQU64 Z1, (2048*h+64*j)(DI) \
	VMOVDQU64 Z2, (2048*h+64*j+512)(DI) \
	VMOVDQU64 Z4, (2048*h+64*j+1024)(DI) \
	VMOVDQU64 Z5, (2048*h+64*j+1536)(DI)

#define SIXSCALE(i) \
	VPMOVSXBD (3072+16*i)(SI), Z1 \
	VCVTDQ2PS Z1, Z1 \
	VMULPS Z9, Z1, Z1 \
	VMOVUPS Z1, (64*i)(R8)

// func unpackQ6_KAVX512(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ6_KAVX512(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, Z30)
	BYTES(0x30, Z31)
loop:
	SIXES(0, 0)
	SIXES(0, 1)
	SIXES(0, 2)
	SIXES(0, 3)
	SIXES(0, 4)
	SIXES(0, 5)
	SIXES(0, 6)
	SIXES(0, 7)
	SIXES(1, 0)
	SIXES(1, 1)
	SIXES(1, 2)
	SIXES(1, 3)
	SIXES(1, 4)
	SIXES(1, 5)
	SIXES(1, 6)
	SIXES(1, 7)
	VCVTPH2PS 3328(SI), Z9
	SIXSCALE(0)
	SIXSCALE(1)
	SIXSCALE(2)
	SIXSCALE(3)
	SIXSCALE(4)
	SIXSCALE(5)
	SIXSCALE(6)
	SIXSCALE(7)
	SIXSCALE(8)
	SIXSCALE(9)
	SIXSCALE(10)
	SIXSCALE(11)
	SIXSCALE(12)
	SIXSCALE(13)
	SIXSCALE(14)
	SIXSCALE(15)
	ADDQ $3360, SI
	ADDQ $4096, DI
	ADDQ $1024, R8
	LEAVE
