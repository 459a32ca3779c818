//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "amx_amd64.h"

// Products of attention on the tiles of AMX, all blocks of one in one call, as they are
// small: 32 rows of a times 32 columns of b, and so on along b, then down a.
//
//	R8 R9     a, a block of rows;  b, a block of columns
//	SI DI     a block of each: four tiles of 16 rows (two of the upper parts, two of
//	          the lower), with half two;  R13  bytes of a block
//	R14       c, a block of rows;  BX CX  rows 0 and 16 of a block;  DX  bytes between rows
//	AX        64, bytes between the rows of a and b
//	T0–T3     sums;  T4 T5  a;  T6 T7  b

#define SELFSUM \
	TDPBF16PS(0, 4, 6) \
	TDPBF16PS(1, 4, 7) \
	TDPBF16PS(2, 5, 6) \
	TDPBF16PS(3, 5, 7)

// SELFUPPER is the product of the upper parts of a block.
#define SELFUPPER \
	TILELOADD(4, 6, 0, 0) \
	TILELOADD(6, 7, 0, 0) \
	TILELOADD(7, 7, 0, 1024) \
	TILELOADD(5, 6, 0, 1024) \
	SELFSUM

// func selfProductAMX(t *selfProduct)
TEXT ·selfProductAMX(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	LEAQ ·amxShapes(SB), DI
	LDTILECFG_DI
	MOVQ selfProduct_a(R15), R8
	MOVQ selfProduct_c(R15), R14
	MOVQ selfProduct_cRow(R15), DX
	MOVQ selfProduct_block(R15), R13
	MOVQ selfProduct_rows(R15), R10
	MOVQ $64, AX
rows:
	MOVQ selfProduct_b(R15), R9
	MOVQ selfProduct_columns(R15), R11
	MOVQ R14, BX
columns:
	MOVQ R8, SI
	MOVQ R9, DI
	MOVQ DX, CX
	SHLQ $4, CX
	ADDQ BX, CX
	MOVQ selfProduct_k(R15), R12
	CMPB selfProduct_addition(R15), $0
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
	CMPQ R13, $2048
	JEQ half
split:
	SELFUPPER
	TILELOADD(6, 7, 0, 2048)
	TILELOADD(7, 7, 0, 3072)
	SELFSUM
	TILELOADD(4, 6, 0, 2048)
	TILELOADD(6, 7, 0, 0)
	TILELOADD(7, 7, 0, 1024)
	TILELOADD(5, 6, 0, 3072)
	SELFSUM
	ADDQ R13, SI
	ADDQ R13, DI
	DECQ R12
	JNZ split
	JMP store
half:
	SELFUPPER
	ADDQ R13, SI
	ADDQ R13, DI
	DECQ R12
	JNZ half
store:
	TILESTORED(0, 3, 2, 0)
	TILESTORED(1, 3, 2, 64)
	TILESTORED(2, 1, 2, 0)
	TILESTORED(3, 1, 2, 64)
	ADDQ $128, BX
	ADDQ selfProduct_bCol(R15), R9
	DECQ R11
	JNZ columns
	ADDQ selfProduct_aRow(R15), R8
	MOVQ DX, CX
	SHLQ $5, CX
	ADDQ CX, R14
	DECQ R10
	JNZ rows
	TILERELEASE
	RET
