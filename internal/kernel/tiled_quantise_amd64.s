//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "amx_amd64.h"

#define TILE_D (byteTile__size-128)
#define TILE_S (byteTile__size-64)
#define PAIR_S (pairTile__size-64)

// FOLD folds the sixteen integers of Z by OP into the first of X.
#define FOLD(OP, Z, Y, X, T, TX) \
	VEXTRACTI64X4 $1, Z, T \
	OP T, Y, Y \
	VEXTRACTI128 $1, Y, TX \
	OP TX, X, X \
	VPSHUFD $0x4e, X, TX \
	OP TX, X, X \
	VPSHUFD $0xb1, X, TX \
	OP TX, X, X

// LARGEST has the largest magnitudes of R11 rows of a block at SI, DX bytes apart, in Z4, and at PLACE of the
// tile: as integers, since these compare alike. Z31 is bits of a magnitude, Z8 zeros.
#define LARGEST(PLACE) \
	VMOVUPS Z8, PLACE(DI) \
	MOVQ SI, R8 \
	LEAQ PLACE(DI), R10 \
	MOVQ R11, BX \
largest: \
	VPANDD (R8), Z31, Z0 \
	VPANDD 64(R8), Z31, Z1 \
	VPMAXSD Z1, Z0, Z0 \
	FOLD(VPMAXSD, Z0, Y0, X0, Y1, X1) \
	VMOVD X0, (R10) \
	ADDQ DX, R8 \
	ADDQ $4, R10 \
	DECQ BX \
	JNZ largest \
	VMOVUPS PLACE(DI), Z4

DATA quantiseConst<>+0(SB)/4, $0x7fffffff // bits of a magnitude
DATA quantiseConst<>+4(SB)/4, $0x42fe0000 // 127
DATA quantiseConst<>+8(SB)/4, $0x03800000 // 2^-120
DATA quantiseConst<>+12(SB)/4, $0x7f800000 // infinity
DATA quantiseConst<>+16(SB)/4, $0x7fc00000 // a NaN
GLOBL quantiseConst<>(SB), RODATA|NOPTR, $20

// func quantiseTilesAVX512(dst *byteTile, x *float32, blocks, row, rows int)
//
// blocks of rows of numbers, row bytes apart, as quantiseAVX2 and quantiseTilesGeneric: first
// the largest magnitudes of a block's rows, then with those of all rows what they are
// multiplied with, then the codes.
//
//	DI  the tile;  SI  its numbers;  R11  rows
//	Z31 Z30 Z29  bits of a magnitude, 127, order of columns
//	Z4 Z10  largest magnitudes and d of the rows;  K3 K2  those that are usual, and those with an infinity or a NaN
TEXT ·quantiseTilesAVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ row+24(FP), DX
	MOVQ rows+32(FP), R11
	VPBROADCASTD quantiseConst<>+0(SB), Z31
	VBROADCASTSS quantiseConst<>+4(SB), Z30
	LEAQ ·wordTurns(SB), AX
	VMOVDQU16 (AX), Z29
block:
	VPXORD Z8, Z8, Z8
	VMOVUPS Z8, TILE_S(DI)
	LARGEST(TILE_D)
	VPCMPD.BCST $5, quantiseConst<>+8(SB), Z4, K1
	VPCMPD.BCST $5, quantiseConst<>+12(SB), Z4, K2
	KANDNW K1, K2, K3
	VDIVPS.Z Z30, Z4, K3, Z10
	VDIVPS.Z Z4, Z30, K3, Z6
	VMOVUPS Z6, TILE_D(DI)
	MOVQ SI, R8
	MOVQ DI, R9
	LEAQ TILE_D(DI), R10
	MOVQ R11, BX
codes:
	VBROADCASTSS (R10), Z7
	VMULPS (R8), Z7, Z0
	VMULPS 64(R8), Z7, Z1
	VCVTPS2DQ Z0, Z0
	VCVTPS2DQ Z1, Z1
	VPADDD Z1, Z0, Z2
	FOLD(VPADDD, Z2, Y2, X2, Y3, X3)
	VMOVD X2, 64(R10)
	VCVTDQ2PS Z0, Z0
	VCVTDQ2PS Z1, Z1
	VCVTNE2PS2BF16(1, 0, 0)
	VPERMW Z0, Z29, Z0
	VMOVDQU16 Z0, (R9)
	ADDQ DX, R8
	ADDQ $64, R9
	ADDQ $4, R10
	DECQ BX
	JNZ codes

	MOVQ $16, BX
	SUBQ R11, BX
	JEQ sums
zeros:
	VMOVDQU16 Z8, (R9)
	ADDQ $64, R9
	DECQ BX
	JNZ zeros
sums:
	VCVTDQ2PS TILE_S(DI), Z2
	VMULPS Z10, Z2, Z2
	KTESTW K2, K2
	JNE special
done:
	VMOVUPS Z10, TILE_D(DI)
	VMOVUPS Z2, TILE_S(DI)
	ADDQ $128, SI
	ADDQ $byteTile__size, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET

special: // what is not a number becomes d, and s a NaN
	VMOVAPS Z4, K2, Z10
	VBROADCASTSS quantiseConst<>+16(SB), K2, Z2
	KMOVW K2, AX
next:
	BSFL AX, BX
	SHLL $6, BX
	VMOVDQU16 Z8, (DI)(BX*1)
	LEAL -1(AX), BX
	ANDL BX, AX
	JNZ next
	JMP done

DATA pairConst<>+0(SB)/4, $0x7fffffff // bits of a magnitude
DATA pairConst<>+4(SB)/4, $0x7f800000 // of an exponent
DATA pairConst<>+8(SB)/4, $0x100 // what makes 32767.5 steps 2^15
DATA pairConst<>+12(SB)/4, $0x07000000 // 14 exponents
DATA pairConst<>+16(SB)/4, $0x86000000 // inverts
DATA pairConst<>+20(SB)/4, $0x17800000 // wordLeast
DATA pairConst<>+24(SB)/4, $0x71800000 // wordMost
DATA pairConst<>+28(SB)/4, $0x7fc00000 // a NaN
DATA pairConst<>+32(SB)/4, $0xffff0000 // bits of a bfloat16
GLOBL pairConst<>(SB), RODATA|NOPTR, $36

// func quantisePairsAVX512(dst *pairTile, x *float32, blocks, row, rows int)
//
// blocks of rows of numbers, row bytes apart, as quantisePairsGeneric: first the largest
// magnitudes of a block's rows, then with those of all rows d and 1/d, then the numbers.
//
//	DI  the tile;  SI  its numbers;  R11  rows
//	Z31 Z30 Z29  bits of a magnitude, of a bfloat16, order of columns
//	Z4 Z10  largest magnitudes and d of the rows;  K3 those that are usual, K2 those that are not numbers
TEXT ·quantisePairsAVX512(SB), NOSPLIT, $128-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ row+24(FP), DX
	MOVQ rows+32(FP), R11
	VPBROADCASTD pairConst<>+0(SB), Z31
	VPBROADCASTD pairConst<>+32(SB), Z30
	LEAQ ·wordTurns(SB), AX
	VMOVDQU16 (AX), Z29
block:
	VPXORD Z8, Z8, Z8
	LARGEST(PAIR_S)
	VPCMPD.BCST $5, pairConst<>+20(SB), Z4, K1
	VPCMPD.BCST $5, pairConst<>+24(SB), Z4, K2
	KANDNW K1, K2, K3
	VPADDD.BCST pairConst<>+8(SB), Z4, Z4
	VPANDD.BCST pairConst<>+4(SB), Z4, Z4
	VPSUBD.BCST.Z pairConst<>+12(SB), Z4, K3, Z10
	VPBROADCASTD pairConst<>+16(SB), Z5
	VPSUBD.Z Z4, Z5, K3, Z6
	VPBROADCASTD pairConst<>+28(SB), K2, Z10
	VMOVUPS Z10, d-64(SP)
	VMOVUPS Z6, inverse-128(SP)
	MOVQ SI, R8
	MOVQ DI, R9
	LEAQ PAIR_S(DI), R10
	XORQ BX, BX
codes:
	VBROADCASTSS inverse-128(SP)(BX*4), Z7
	VBROADCASTSS d-64(SP)(BX*4), Z6
	VMULPS (R8), Z7, Z0
	VMULPS 64(R8), Z7, Z1
	VCVTPS2DQ Z0, Z0
	VCVTPS2DQ Z1, Z1
	VPADDD Z1, Z0, Z2
	FOLD(VPADDD, Z2, Y2, X2, Y3, X3)
	VMOVD X2, (R10)(BX*4)
	VCVTDQ2PS Z0, Z0
	VCVTDQ2PS Z1, Z1
	VMULPS Z6, Z0, Z0
	VMULPS Z6, Z1, Z1
	VPANDD Z30, Z0, Z2
	VPANDD Z30, Z1, Z3
	VSUBPS Z2, Z0, Z0
	VSUBPS Z3, Z1, Z1
	VCVTNE2PS2BF16(3, 2, 2)
	VCVTNE2PS2BF16(1, 0, 0)
	VPERMW Z2, Z29, Z2
	VPERMW Z0, Z29, Z0
	VMOVDQU16 Z2, (R9)
	VMOVDQU16 Z0, 1024(R9)
	ADDQ DX, R8
	ADDQ $64, R9
	INCQ BX
	CMPQ BX, R11
	JNE codes

	MOVQ $16, BX
	SUBQ R11, BX
	JEQ sums
zeros:
	VMOVDQU16 Z8, (R9)
	VMOVDQU16 Z8, 1024(R9)
	ADDQ $64, R9
	DECQ BX
	JNZ zeros
sums:
	VCVTDQ2PS PAIR_S(DI), Z2
	VMULPS Z10, Z2, Z2
	VMOVUPS Z2, PAIR_S(DI)
	ADDQ $128, SI
	ADDQ $pairTile__size, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET
