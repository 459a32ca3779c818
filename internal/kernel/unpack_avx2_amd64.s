//go:build amd64 && !purego

#include "textflag.h"
#include "unpack_scales_amd64.h"

// Unpackers for AVX2: n group blocks to a panel, see packing. As those for
// AVX-512, 32 bytes at a time.
//
//	DI R8 R9   panel: weights, scales, mins
//	SI CX      group blocks, and how many are left
//	Y15        bytes of 0x0f
//	Y14        bytes of 0x10 (Q5), 0x30 (K formats) or 0x80 (Q8_0)

#define ENTER \
	MOVQ q+0(FP), DI \
	MOVQ scale+8(FP), R8 \
	MOVQ mins+16(FP), R9 \
	MOVQ src+24(FP), SI \
	MOVQ n+32(FP), CX

#define LEAVE \
	DECQ CX \
	JNE loop \
	VZEROUPPER \
	RET

// TWICE(OP, a, b) and the like are OP for both halves of 64 bytes.
#define TWICE2(OP, a, b) OP((a), (b)); OP((a+32), (b+32))
#define TWICE3(OP, a, b, c) OP((a), (b), (c)); OP((a+32), (b+32), (c+32))

// The low and the high halves of 32 bytes.
#define NIBBLES(from, low, high) \
	VMOVDQU from(SI), Y1 \
	VPSRLW $4, Y1, Y2 \
	VPAND Y15, Y1, Y1 \
	VPAND Y15, Y2, Y2 \
	VMOVDQU Y1, low(DI) \
	VMOVDQU Y2, high(DI)

#define NIBBLES4 \
	TWICE3(NIBBLES, 0, 0, 256) \
	TWICE3(NIBBLES, 64, 64, 320) \
	TWICE3(NIBBLES, 128, 128, 384) \
	TWICE3(NIBBLES, 192, 192, 448)

// func unpackQ4_0AVX2(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ4_0AVX2(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, X15, Y15)
loop:
	NIBBLES4
	HALVES(256, R8)
	ADDQ $288, SI
	ADDQ $512, DI
	ADDQ $64, R8
	LEAVE

// func unpackQ4_1AVX2(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ4_1AVX2(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, X15, Y15)
loop:
	NIBBLES4
	HALVES(256, R8)
	HALVES(288, R9)
	ADDQ $320, SI
	ADDQ $512, DI
	ADDQ $64, R8
	ADDQ $64, R9
	LEAVE

// Half of quads j and j+4 of Q5: bit j of the bytes in Y3 is the fifth bit of quad j.
#define FIVES(j, half) \
	VMOVDQU (64*j+half)(SI), Y1 \
	VPSRLW $4, Y1, Y2 \
	VPAND Y15, Y1, Y1 \
	VPAND Y15, Y2, Y2 \
	VPSLLW $(4-j), Y3, Y4 \
	VPSRLW $j, Y3, Y5 \
	VPAND Y14, Y4, Y4 \
	VPAND Y14, Y5, Y5 \
	VPOR Y4, Y1, Y1 \
	VPOR Y5, Y2, Y2 \
	VMOVDQU Y1, (64*j+half)(DI) \
	VMOVDQU Y2, (64*j+256+half)(DI)

#define FIVES4 \
	VMOVDQU 256(SI), Y3 \
	FIVES(0, 0) \
	FIVES(1, 0) \
	FIVES(2, 0) \
	FIVES(3, 0) \
	VMOVDQU 288(SI), Y3 \
	FIVES(0, 32) \
	FIVES(1, 32) \
	FIVES(2, 32) \
	FIVES(3, 32)

// func unpackQ5_0AVX2(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ5_0AVX2(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, X15, Y15)
	BYTES(0x10, X14, Y14)
loop:
	FIVES4
	HALVES(320, R8)
	ADDQ $352, SI
	ADDQ $512, DI
	ADDQ $64, R8
	LEAVE

// func unpackQ5_1AVX2(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ5_1AVX2(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, X15, Y15)
	BYTES(0x10, X14, Y14)
loop:
	FIVES4
	HALVES(320, R8)
	HALVES(352, R9)
	ADDQ $384, SI
	ADDQ $512, DI
	ADDQ $64, R8
	ADDQ $64, R9
	LEAVE

#define FLIP(from, to) VPXOR from(SI), Y14, Y1; VMOVDQU Y1, to(DI)

// func unpackQ8_0AVX2(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ8_0AVX2(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x80, X14, Y14)
loop:
	TWICE2(FLIP, 0, 0)
	TWICE2(FLIP, 64, 64)
	TWICE2(FLIP, 128, 128)
	TWICE2(FLIP, 192, 192)
	TWICE2(FLIP, 256, 256)
	TWICE2(FLIP, 320, 320)
	TWICE2(FLIP, 384, 384)
	TWICE2(FLIP, 448, 448)
	HALVES(512, R8)
	ADDQ $544, SI
	ADDQ $512, DI
	ADDQ $64, R8
	LEAVE

// Sub-blocks 2s and 2s+1 of Q4_K.
#define NIBBLEPAIR(s) \
	TWICE3(NIBBLES, (512*s), (1024*s), (1024*s+512)) \
	TWICE3(NIBBLES, (512*s+64), (1024*s+64), (1024*s+576)) \
	TWICE3(NIBBLES, (512*s+128), (1024*s+128), (1024*s+640)) \
	TWICE3(NIBBLES, (512*s+192), (1024*s+192), (1024*s+704)) \
	TWICE3(NIBBLES, (512*s+256), (1024*s+256), (1024*s+768)) \
	TWICE3(NIBBLES, (512*s+320), (1024*s+320), (1024*s+832)) \
	TWICE3(NIBBLES, (512*s+384), (1024*s+384), (1024*s+896)) \
	TWICE3(NIBBLES, (512*s+448), (1024*s+448), (1024*s+960))

// func unpackQ4_KAVX2(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ4_KAVX2(SB), NOSPLIT, $0-40
	ENTER
	KCONSTANTS
loop:
	NIBBLEPAIR(0)
	NIBBLEPAIR(1)
	NIBBLEPAIR(2)
	NIBBLEPAIR(3)
	ADDQ $2048, SI
	KSCALES(0)
	KSCALES(32)
	ADDQ $256, SI
	ADDQ $4096, DI
	ADDQ $512, R8
	ADDQ $512, R9
	LEAVE

// Half a quad of all sub-blocks of Q5_K, at offset j: bit s of the bytes in Y3
// is the fifth bit of sub-block s.
#define KFIVES(j) \
	VMOVDQU (2048+j)(SI), Y3 \
	KFIVE(0, j, VPSLLW, $4, VPSLLW, $3) \
	KFIVE(1, j, VPSLLW, $2, VPSLLW, $1) \
	KFIVE(2, j, VPSRLW, $0, VPSRLW, $1) \
	KFIVE(3, j, VPSRLW, $2, VPSRLW, $3)

#define KFIVE(s, j, SHIFT0, by0, SHIFT1, by1) \
	VMOVDQU (512*s+j)(SI), Y1 \
	VPSRLW $4, Y1, Y2 \
	VPAND Y15, Y1, Y1 \
	VPAND Y15, Y2, Y2 \
	SHIFT0 by0, Y3, Y4 \
	SHIFT1 by1, Y3, Y5 \
	VPAND Y10, Y4, Y4 \
	VPAND Y10, Y5, Y5 \
	VPOR Y4, Y1, Y1 \
	VPOR Y5, Y2, Y2 \
	VMOVDQU Y1, (1024*s+j)(DI) \
	VMOVDQU Y2, (1024*s+j+512)(DI)

// func unpackQ5_KAVX2(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ5_KAVX2(SB), NOSPLIT, $0-40
	ENTER
	KCONSTANTS
	BYTES(0x10, X10, Y10)
loop:
	KFIVES(0)
	KFIVES(32)
	KFIVES(64)
	KFIVES(96)
	KFIVES(128)
	KFIVES(160)
	KFIVES(192)
	KFIVES(224)
	KFIVES(256)
	KFIVES(288)
	KFIVES(320)
	KFIVES(352)
	KFIVES(384)
	KFIVES(416)
	KFIVES(448)
	KFIVES(480)
	ADDQ $2560, SI
	KSCALES(0)
	KSCALES(32)
	ADDQ $256, SI
	ADDQ $4096, DI
	ADDQ $512, R8
	ADDQ $512, R9
	LEAVE

// Half a quad of the four sub-blocks of 32 columns in half h of Q6_K, at offset j.
#define SIXES(h, j) \
	VMOVDQU (1024*h+j)(SI), Y1 \
	VMOVDQU (1024*h+j+512)(SI), Y2 \
	VMOVDQU (2048+512*h+j)(SI), Y3 \
	VPSRLW $4, Y1, Y4 \
	VPSRLW $4, Y2, Y5 \
	VPAND Y15, Y1, Y1 \
	VPAND Y15, Y2, Y2 \
	VPAND Y15, Y4, Y4 \
	VPAND Y15, Y5, Y5 \
	VPSLLW $4, Y3, Y6 \
	VPSLLW $2, Y3, Y7 \
	VPSRLW $2, Y3, Y8 \
	VPAND Y14, Y6, Y6 \
	VPAND Y14, Y7, Y7 \
	VPAND Y14, Y3, Y3 \
	VPAND Y14, Y8, Y8 \
	VPOR Y6, Y1, Y1 \
	VPOR Y7, Y2, Y2 \
	VPOR Y3, Y4, Y4 \
	VPOR Y8, Y5, Y5 \
	VMOVDQU Y1, (2048*h+j)(DI) \
	VMOVDQU Y2, (2048*h+j+512)(DI) \
	VMOVDQU Y4, (2048*h+j+1024)(DI) \
	VMOVDQU Y5, (2048*h+j+1536)(DI)

#define SIXSCALE(i) \
	VPMOVSXBD (3072+16*i)(SI), Y1 \
	VPMOVSXBD (3080+16*i)(SI), Y2 \
	VCVTDQ2PS Y1, Y1 \
	VCVTDQ2PS Y2, Y2 \
	VMULPS Y9, Y1, Y1 \
	VMULPS Y10, Y2, Y2 \
	VMOVUPS Y1, (64*i)(R8) \
	VMOVUPS Y2, (64*i+32)(R8)

// func unpackQ6_KAVX2(q *uint8, scale, mins *float32, src *byte, n int)
TEXT ·unpackQ6_KAVX2(SB), NOSPLIT, $0-40
	ENTER
	BYTES(0x0f, X15, Y15)
	BYTES(0x30, X14, Y14)
loop:
	SIXES(0, 0)
	SIXES(0, 32)
	SIXES(0, 64)
	SIXES(0, 96)
	SIXES(0, 128)
	SIXES(0, 160)
	SIXES(0, 192)
	SIXES(0, 224)
	SIXES(0, 256)
	SIXES(0, 288)
	SIXES(0, 320)
	SIXES(0, 352)
	SIXES(0, 384)
	SIXES(0, 416)
	SIXES(0, 448)
	SIXES(0, 480)
	SIXES(1, 0)
	SIXES(1, 32)
	SIXES(1, 64)
	SIXES(1, 96)
	SIXES(1, 128)
	SIXES(1, 160)
	SIXES(1, 192)
	SIXES(1, 224)
	SIXES(1, 256)
	SIXES(1, 288)
	SIXES(1, 320)
	SIXES(1, 352)
	SIXES(1, 384)
	SIXES(1, 416)
	SIXES(1, 448)
	SIXES(1, 480)
	VCVTPH2PS 3328(SI), Y9
	VCVTPH2PS 3344(SI), Y10
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
