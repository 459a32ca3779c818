//go:build !purego

#include "textflag.h"

// Bands of left-hand sides for AVX-512: twelve rows of a matrix become columns of twelve numbers,
// sixteen columns at a time.
//
//	R8–R11  rows 0, 3, 6 and 9;  DX  bytes of a row
//	DI      the band;  CX  sixteens of columns
//	Z0–Z11  a row each, then a quarter of the columns of four rows each
#define BANDENTER \
	MOVQ dst+0(FP), DI \
	MOVQ src+8(FP), R8 \
	MOVQ row+16(FP), DX \
	MOVQ n+24(FP), CX \
	SHLQ $2, DX \
	LEAQ (DX)(DX*2), AX \
	LEAQ (R8)(AX*1), R9 \
	LEAQ (R9)(AX*1), R10 \
	LEAQ (R10)(AX*1), R11

#define BANDNEXT(size) \
	ADDQ $size, R8 \
	ADDQ $size, R9 \
	ADDQ $size, R10 \
	ADDQ $size, R11 \
	ADDQ $768, DI \
	DECQ CX \
	JNZ loop

// Of four rows: A has columns 0, 4, 8 and 12, a lane each, B those after them, and so on.
#define FOUR(A, B, C, D) \
	VUNPCKLPS B, A, Z16 \
	VUNPCKHPS B, A, Z17 \
	VUNPCKLPS D, C, Z18 \
	VUNPCKHPS D, C, Z19 \
	VUNPCKLPD Z18, Z16, A \
	VUNPCKHPD Z18, Z16, B \
	VUNPCKLPD Z19, Z17, C \
	VUNPCKHPD Z19, Z17, D

// Lane 0 of four registers lie side by side in the band, and so do lanes 1 to 3, four columns further on each.
#define LANES(A, B, C, D, at) \
	VSHUFF32X4 $0x44, B, A, Z16 \
	VSHUFF32X4 $0xee, B, A, Z17 \
	VSHUFF32X4 $0x44, D, C, Z18 \
	VSHUFF32X4 $0xee, D, C, Z19 \
	VSHUFF32X4 $0x88, Z18, Z16, Z20 \
	VSHUFF32X4 $0xdd, Z18, Z16, Z21 \
	VSHUFF32X4 $0x88, Z19, Z17, Z22 \
	VSHUFF32X4 $0xdd, Z19, Z17, Z23 \
	VMOVUPS Z20, at(DI) \
	VMOVUPS Z21, (at+192)(DI) \
	VMOVUPS Z22, (at+384)(DI) \
	VMOVUPS Z23, (at+576)(DI)

#define COLUMNS \
	FOUR(Z0, Z1, Z2, Z3) \
	FOUR(Z4, Z5, Z6, Z7) \
	FOUR(Z8, Z9, Z10, Z11) \
	LANES(Z0, Z4, Z8, Z1, 0) \
	LANES(Z5, Z9, Z2, Z6, 64) \
	LANES(Z10, Z3, Z7, Z11, 128)

// func floatBandAVX512(dst, src *float32, row, n int)
//
// n is sixteens of numbers in a row.
TEXT ·floatBandAVX512(SB), NOSPLIT, $0-32
	BANDENTER
loop:
	VMOVUPS (R8), Z0
	VMOVUPS (R8)(DX*1), Z1
	VMOVUPS (R8)(DX*2), Z2
	VMOVUPS (R9), Z3
	VMOVUPS (R9)(DX*1), Z4
	VMOVUPS (R9)(DX*2), Z5
	VMOVUPS (R10), Z6
	VMOVUPS (R10)(DX*1), Z7
	VMOVUPS (R10)(DX*2), Z8
	VMOVUPS (R11), Z9
	VMOVUPS (R11)(DX*1), Z10
	VMOVUPS (R11)(DX*2), Z11
	COLUMNS
	BANDNEXT(64)
	VZEROUPPER
	RET

// Neighbours become pairs of bfloat16 numbers, the first in the lower half.
#define PAIRS(p, q) VMOVUPS p, Z28; VMOVUPS q, Z29

// func pairBandAVX512(dst, src *float32, row, n int)
//
// n is sixteens of pairs in a row. The assembler does not know VCVTNE2PS2BF16, which rounds to
// nearest, ties to even, and takes denormal numbers for zeros, as VDPBF16PS does.
TEXT ·pairBandAVX512(SB), NOSPLIT, $0-32
	BANDENTER
loop:
	PAIRS((R8), 64(R8))
	LONG $0x40179262; WORD $0xc472 // VCVTNE2PS2BF16 Z28, Z29, Z0
	PAIRS((R8)(DX*1), 64(R8)(DX*1))
	LONG $0x40179262; WORD $0xcc72 // VCVTNE2PS2BF16 Z28, Z29, Z1
	PAIRS((R8)(DX*2), 64(R8)(DX*2))
	LONG $0x40179262; WORD $0xd472 // VCVTNE2PS2BF16 Z28, Z29, Z2
	PAIRS((R9), 64(R9))
	LONG $0x40179262; WORD $0xdc72 // VCVTNE2PS2BF16 Z28, Z29, Z3
	PAIRS((R9)(DX*1), 64(R9)(DX*1))
	LONG $0x40179262; WORD $0xe472 // VCVTNE2PS2BF16 Z28, Z29, Z4
	PAIRS((R9)(DX*2), 64(R9)(DX*2))
	LONG $0x40179262; WORD $0xec72 // VCVTNE2PS2BF16 Z28, Z29, Z5
	PAIRS((R10), 64(R10))
	LONG $0x40179262; WORD $0xf472 // VCVTNE2PS2BF16 Z28, Z29, Z6
	PAIRS((R10)(DX*1), 64(R10)(DX*1))
	LONG $0x40179262; WORD $0xfc72 // VCVTNE2PS2BF16 Z28, Z29, Z7
	PAIRS((R10)(DX*2), 64(R10)(DX*2))
	LONG $0x40171262; WORD $0xc472 // VCVTNE2PS2BF16 Z28, Z29, Z8
	PAIRS((R11), 64(R11))
	LONG $0x40171262; WORD $0xcc72 // VCVTNE2PS2BF16 Z28, Z29, Z9
	PAIRS((R11)(DX*1), 64(R11)(DX*1))
	LONG $0x40171262; WORD $0xd472 // VCVTNE2PS2BF16 Z28, Z29, Z10
	PAIRS((R11)(DX*2), 64(R11)(DX*2))
	LONG $0x40171262; WORD $0xdc72 // VCVTNE2PS2BF16 Z28, Z29, Z11
	COLUMNS
	BANDNEXT(128)
	VZEROUPPER
	RET
