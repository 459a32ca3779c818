//go:build !purego

#include "textflag.h"
#include "unpack_scales_amd64.h"

// Unpackers to the weights of tiles of bfloat16: n group blocks of four bits a code, see
// widen. codes are those numbers; of an index the lowest five bits count, of which the fifth
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

// func widenQ4_0AVX512(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16)
TEXT ·widenQ4_0AVX512(SB), NOSPLIT, $0-48
	ENTER
loop:
	SOON(0)
	SOON(64)
	SOON(128)
	SOON(192)
	SOON(256)
	NIBBLES4(0, 0, 512)
	HALVES(256, R8)
	ADDQ $288, SI
	ADDQ $1024, DI
	ADDQ $64, R8
	LEAVE

// func widenQ4_1AVX512(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16)
TEXT ·widenQ4_1AVX512(SB), NOSPLIT, $0-48
	ENTER
loop:
	SOON(0)
	SOON(64)
	SOON(128)
	SOON(192)
	SOON(256)
	NIBBLES4(0, 0, 512)
	HALVES(256, R8)
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
	SOON(0)
	SOON(64)
	SOON(128)
	SOON(192)
	NIBBLES4(0, 0, 1024)
	SOON(256)
	SOON(320)
	SOON(384)
	SOON(448)
	NIBBLES4(256, 512, 1536)
	SOON(512)
	SOON(576)
	SOON(640)
	SOON(704)
	NIBBLES4(512, 2048, 3072)
	SOON(768)
	SOON(832)
	SOON(896)
	SOON(960)
	NIBBLES4(768, 2560, 3584)
	SOON(1024)
	SOON(1088)
	SOON(1152)
	SOON(1216)
	NIBBLES4(1024, 4096, 5120)
	SOON(1280)
	SOON(1344)
	SOON(1408)
	SOON(1472)
	NIBBLES4(1280, 4608, 5632)
	SOON(1536)
	SOON(1600)
	SOON(1664)
	SOON(1728)
	NIBBLES4(1536, 6144, 7168)
	SOON(1792)
	SOON(1856)
	SOON(1920)
	SOON(1984)
	NIBBLES4(1792, 6656, 7680)
	SOON(2048)
	SOON(2112)
	SOON(2176)
	SOON(2240)
	ADDQ $2048, SI
	KSCALES(0)
	KSCALES(32)
	ADDQ $256, SI
	ADDQ $8192, DI
	ADDQ $512, R8
	ADDQ $512, R9
	LEAVE
