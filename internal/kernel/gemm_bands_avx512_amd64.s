//go:build !purego

#include "textflag.h"
#include "pairs_avx512_amd64.h"

// Bands of left-hand sides for AVX-512: twelve rows of a matrix become columns of twelve numbers,
// sixteen columns at a time.
//
//	R8–R11  rows 0, 3, 6 and 9;  DX  bytes of a row
//	DI      the band;  CX  sixteens of columns
//	Z0–Z11  a row each, then a quarter of the columns of four rows each
//	Z16–Z29  free
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

// BAND takes sixteen columns of each row by AT, which reads one or two vectors, of so many bytes in all.
#define BAND(AT, size) \
	BANDENTER \
loop: \
	AT((R8), 64(R8), Z0) \
	AT((R8)(DX*1), 64(R8)(DX*1), Z1) \
	AT((R8)(DX*2), 64(R8)(DX*2), Z2) \
	AT((R9), 64(R9), Z3) \
	AT((R9)(DX*1), 64(R9)(DX*1), Z4) \
	AT((R9)(DX*2), 64(R9)(DX*2), Z5) \
	AT((R10), 64(R10), Z6) \
	AT((R10)(DX*1), 64(R10)(DX*1), Z7) \
	AT((R10)(DX*2), 64(R10)(DX*2), Z8) \
	AT((R11), 64(R11), Z9) \
	AT((R11)(DX*1), 64(R11)(DX*1), Z10) \
	AT((R11)(DX*2), 64(R11)(DX*2), Z11) \
	COLUMNS \
	BANDNEXT(size) \
	VZEROUPPER \
	RET

#define FLOATS(p, q, Z) VMOVUPS p, Z

// PAIRS makes neighbours pairs of bfloat16 numbers, the first in the lower half.
#define PAIRS(p, q, Z) VMOVUPS p, Z28; VMOVUPS q, Z29; PAIR_Z28; VMOVAPS Z28, Z

// func floatBandAVX512(dst, src *float32, row, n int)
//
// n is sixteens of numbers in a row.
TEXT ·floatBandAVX512(SB), NOSPLIT, $0-32
	BAND(FLOATS, 64)

// func pairBandAVX512(dst, src *float32, row, n int)
//
// n is sixteens of pairs in a row.
TEXT ·pairBandAVX512(SB), NOSPLIT, $0-32
	BAND(PAIRS, 128)
