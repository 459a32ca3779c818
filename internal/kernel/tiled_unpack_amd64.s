//go:build !purego

#include "textflag.h"
#include "unpack_scales_amd64.h"

// Unpackers to the weights of tiles of bfloat16: n group blocks of four bits a code, see
// unpackWide. codes are those numbers; of an index the lowest five bits count, of which the fifth
// is another code's here, so all stand there twice.
//
//	DI R8 R9   weights, scales, mins
//	SI CX      group blocks, and how many are left
//	Z31        codes

#define ENTER \
	MOVQ q+0(FP), DI \
	MOVQ scale+8(FP), R8 \
	MOVQ mins+16(FP), R9 \
	MOVQ src+24(FP), SI \
	MOVQ n+32(FP), CX \
	MOVQ codes+40(FP), AX \
	VMOVDQU16 (AX), Z31

#define LEAVE \
	DECQ CX \
	JNE loop \
	VZEROUPPER \
	RET

// SOON asks for the line AHEAD of a place: the processor sees little of one page, and not the next.
#define AHEAD 4096
#define SOON(at) PREFETCHT0 (AHEAD+at)(SI)
#define SOON4(at) SOON((at)); SOON((at+64)); SOON((at+128)); SOON((at+192))

// Four columns in the low and four in the high halves of 64 bytes: of each the even ones, then
// the odd ones.
#define NIBBLES(from, low, high) \
	VMOVDQU8 (from)(SI), Z0 \
	VPSRLW $4, Z0, Z1 \
	VPSRLW $8, Z0, Z2 \
	VPSRLW $12, Z0, Z3 \
	VPERMW Z31, Z0, Z0 \
	VPERMW Z31, Z1, Z1 \
	VPERMW Z31, Z2, Z2 \
	VPERMW Z31, Z3, Z3 \
	VMOVDQU16 Z0, (low)(DI) \
	VMOVDQU16 Z2, (low+64)(DI) \
	VMOVDQU16 Z1, (high)(DI) \
	VMOVDQU16 Z3, (high+64)(DI)

#define NIBBLES4(from, low, high) \
	NIBBLES((from), (low), (high)) \
	NIBBLES((from+64), (low+128), (high+128)) \
	NIBBLES((from+128), (low+256), (high+256)) \
	NIBBLES((from+192), (low+384), (high+384))

// BLOCK32 is the codes and scales of Q4_0 and Q4_1.
#define BLOCK32 \
	SOON4(0) \
	SOON(256) \
	NIBBLES4(0, 0, 512) \
	HALVES(256, R8)

// func widenQ4_0AVX512(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16)
TEXT ·widenQ4_0AVX512(SB), NOSPLIT, $0-48
	ENTER
loop:
	BLOCK32
	ADDQ $288, SI
	ADDQ $1024, DI
	ADDQ $64, R8
	LEAVE

// func widenQ4_1AVX512(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16)
TEXT ·widenQ4_1AVX512(SB), NOSPLIT, $0-48
	ENTER
loop:
	BLOCK32
	HALVES(288, R9)
	ADDQ $320, SI
	ADDQ $1024, DI
	ADDQ $64, R8
	ADDQ $64, R9
	LEAVE

// func widenQ4_KAVX512(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16)
TEXT ·widenQ4_KAVX512(SB), NOSPLIT, $0-48
	ENTER
	KCONSTANTS
loop:
	SOON4(0)
	NIBBLES4(0, 0, 1024)
	SOON4(256)
	NIBBLES4(256, 512, 1536)
	SOON4(512)
	NIBBLES4(512, 2048, 3072)
	SOON4(768)
	NIBBLES4(768, 2560, 3584)
	SOON4(1024)
	NIBBLES4(1024, 4096, 5120)
	SOON4(1280)
	NIBBLES4(1280, 4608, 5632)
	SOON4(1536)
	NIBBLES4(1536, 6144, 7168)
	SOON4(1792)
	NIBBLES4(1792, 6656, 7680)
	SOON4(2048)
	ADDQ $2048, SI
	KSCALES(0)
	KSCALES(32)
	ADDQ $256, SI
	ADDQ $8192, DI
	ADDQ $512, R8
	ADDQ $512, R9
	LEAVE
