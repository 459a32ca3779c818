//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "amx_amd64.h"

// Products of split numbers on the tiles of AMX: 32 rows of a times 32 columns of b, and so
// on along b, then down a.
//
//	R8 R9     a, a block of rows;  b, a block of columns
//	SI DI     a block of each: four tiles of 16 rows (two of the upper parts, two of the
//	          lower), 4096 bytes apart; with half two and 2048; pairs of k of b lie below
//	          each other
//	R14       c, a block of rows;  BX CX  rows 0 and 16 of a block;  DX  bytes between rows
//	AX        64, bytes between the rows of a and b
//	T0–T3     sums;  T4 T5  a;  T6 T7  b

#define PRODUCTS \
	TDPBF16PS(0, 4, 6) \
	TDPBF16PS(1, 4, 7) \
	TDPBF16PS(2, 5, 6) \
	TDPBF16PS(3, 5, 7)

// UPPER is the product of the upper parts of a block.
#define UPPER \
	TILELOADD(4, 6, 0, 0) \
	TILELOADD(6, 7, 0, 0) \
	TILELOADD(7, 7, 0, 1024) \
	TILELOADD(5, 6, 0, 1024) \
	PRODUCTS

// func gemmAMX(t *splitProduct)
TEXT ·gemmAMX(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	LEAQ ·amxShapes(SB), DI
	LDTILECFG_DI
	MOVQ splitProduct_a(R15), R8
	MOVQ splitProduct_c(R15), R14
	MOVQ splitProduct_cRow(R15), DX
	MOVQ splitProduct_rows(R15), R10
	MOVQ $64, AX
rows:
	MOVQ splitProduct_b(R15), R9
	MOVQ splitProduct_columns(R15), R11
	MOVQ R14, BX
columns:
	MOVQ R8, SI
	MOVQ R9, DI
	MOVQ DX, CX
	SHLQ $4, CX
	ADDQ BX, CX
	MOVQ splitProduct_k(R15), R12
	CMPB splitProduct_addition(R15), $0
	JEQ zero
	TILELOADD(0, 3, 2, 0)
	TILELOADD(1, 3, 2, 64)
	TILELOADD(2, 1, 2, 0)
	TILELOADD(3, 1, 2, 64)
	JMP sum
zero:
	TILEZERO(0)
	TILEZERO(1)
	TILEZERO(2)
	TILEZERO(3)
sum:
	CMPB splitProduct_half(R15), $0
	JNE half
split:
	UPPER
	TILELOADD(6, 7, 0, 2048)
	TILELOADD(7, 7, 0, 3072)
	PRODUCTS
	TILELOADD(4, 6, 0, 2048)
	TILELOADD(6, 7, 0, 0)
	TILELOADD(7, 7, 0, 1024)
	TILELOADD(5, 6, 0, 3072)
	PRODUCTS
	ADDQ $4096, SI
	ADDQ $4096, DI
	DECQ R12
	JNZ split
	JMP store
half:
	UPPER
	ADDQ $2048, SI
	ADDQ $2048, DI
	DECQ R12
	JNZ half
store:
	TILESTORED(0, 3, 2, 0)
	TILESTORED(1, 3, 2, 64)
	TILESTORED(2, 1, 2, 0)
	TILESTORED(3, 1, 2, 64)
	ADDQ $128, BX
	ADDQ splitProduct_bCol(R15), R9
	DECQ R11
	JNZ columns
	ADDQ splitProduct_aRow(R15), R8
	MOVQ DX, CX
	SHLQ $5, CX
	ADDQ CX, R14
	DECQ R10
	JNZ rows
	TILERELEASE
	RET

// func splitRowsAMX(dst, src *float32, row, n int)
//
// n rows of 32 numbers, row numbers apart, become rows of the upper and of the lower
// tile, which begins 2048 bytes on.
TEXT ·splitRowsAMX(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ row+16(FP), DX
	MOVQ n+24(FP), CX
	SHLQ $2, DX
rows:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VCVTNE2PS2BF16(1, 0, 2)
	VMOVDQU32 Z2, (DI)
	VEXTRACTI64X4 $1, Z2, Y3
	VPMOVZXWD Y2, Z4
	VPMOVZXWD Y3, Z5
	VPSLLD $16, Z4, Z4
	VPSLLD $16, Z5, Z5
	VSUBPS Z4, Z0, Z0
	VSUBPS Z5, Z1, Z1
	VCVTNE2PS2BF16(1, 0, 2)
	VMOVDQU32 Z2, 2048(DI)
	ADDQ DX, SI
	ADDQ $64, DI
	DECQ CX
	JNZ rows
	VZEROUPPER
	RET

// func halfRowsAMX(dst, src *float32, row, n int)
//
// The same without the lower tile.
TEXT ·halfRowsAMX(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ row+16(FP), DX
	MOVQ n+24(FP), CX
	SHLQ $2, DX
rows:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VCVTNE2PS2BF16(1, 0, 2)
	VMOVDQU32 Z2, (DI)
	ADDQ DX, SI
	ADDQ $64, DI
	DECQ CX
	JNZ rows
	VZEROUPPER
	RET

// UPPERS makes pairs of Z0 above Z1, sixteen columns of rows k and k+1; LOWERS of what is
// left of them.
//
//	Z7  0, 16, 1, 17 … as words; Z6  0xffff0000
#define UPPERS(TO) \
	VCVTNE2PS2BF16(1, 0, 2) \
	VPERMW Z2, Z7, Z2 \
	VMOVDQU32 Z2, TO(DI)

#define LOWERS(TO) \
	VPSLLD $16, Z2, Z4 \
	VPANDD Z6, Z2, Z5 \
	VSUBPS Z4, Z0, Z0 \
	VSUBPS Z5, Z1, Z1 \
	VCVTNE2PS2BF16(1, 0, 2) \
	VPERMW Z2, Z7, Z2 \
	VMOVDQU32 Z2, TO(DI)

// func splitPairsAMX(dst, src *float32, row, n int)
//
// n blocks of 32 rows of 32 numbers, row numbers apart, become four tiles of pairs each.
TEXT ·splitPairsAMX(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ row+16(FP), DX
	MOVQ n+24(FP), CX
	SHLQ $2, DX
	LEAQ ·pairTurns(SB), AX
	VMOVDQU32 (AX), Z7
	MOVL $0xffff0000, AX
	VPBROADCASTD AX, Z6
blocks:
	MOVQ $16, R8
rows:
	VMOVUPS (SI), Z0
	VMOVUPS (SI)(DX*1), Z1
	UPPERS(0)
	LOWERS(2048)
	VMOVUPS 64(SI), Z0
	VMOVUPS 64(SI)(DX*1), Z1
	UPPERS(1024)
	LOWERS(3072)
	LEAQ (SI)(DX*2), SI
	ADDQ $64, DI
	DECQ R8
	JNZ rows
	ADDQ $3072, DI
	DECQ CX
	JNZ blocks
	VZEROUPPER
	RET

// func halfPairsAMX(dst, src *float32, row, n int)
//
// The same without the lower tiles.
TEXT ·halfPairsAMX(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ row+16(FP), DX
	MOVQ n+24(FP), CX
	SHLQ $2, DX
	LEAQ ·pairTurns(SB), AX
	VMOVDQU32 (AX), Z7
blocks:
	MOVQ $16, R8
rows:
	VMOVUPS (SI), Z0
	VMOVUPS (SI)(DX*1), Z1
	UPPERS(0)
	VMOVUPS 64(SI), Z0
	VMOVUPS 64(SI)(DX*1), Z1
	UPPERS(1024)
	LEAQ (SI)(DX*2), SI
	ADDQ $64, DI
	DECQ R8
	JNZ rows
	ADDQ $1024, DI
	DECQ CX
	JNZ blocks
	VZEROUPPER
	RET

// PANELS has R11 panels of CX rows of 32 numbers, BX bytes apart from SI on, become wide
// rows, DX bytes apart from DI on, written by STORE.
#define PANELS(STORE) \
rows: \
	MOVQ R11, R8; \
	MOVQ DI, R9; \
	MOVQ SI, R10; \
panels: \
	VMOVUPS (R10), Z0; \
	VMOVUPS 64(R10), Z1; \
	STORE Z0, (R9); \
	STORE Z1, 64(R9); \
	ADDQ BX, R10; \
	ADDQ $128, R9; \
	DECQ R8; \
	JNZ panels; \
	ADDQ $128, SI; \
	ADDQ DX, DI; \
	DECQ CX; \
	JNZ rows; \
	VZEROUPPER

// func pastePanelsAVX512(dst, src *float32, rows, panels, row, panel int)
TEXT ·pastePanelsAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ panels+24(FP), R11
	MOVQ row+32(FP), DX
	MOVQ panel+40(FP), BX
	PANELS(VMOVUPS)
	RET

// func streamPanelsAVX512(dst, src *float32, rows, panels, row, panel int)
//
// The same past the caches; rows begin with a line.
TEXT ·streamPanelsAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ panels+24(FP), R11
	MOVQ row+32(FP), DX
	MOVQ panel+40(FP), BX
	PANELS(VMOVNTPS)
	SFENCE
	RET
