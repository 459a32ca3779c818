//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "amx_amd64.h"

#define TILE_D (byteTile__size-128)
#define TILE_S (byteTile__size-64)
#define PAIR_S (pairTile__size-64)

// PS, PD and X4 halve how many numbers of two vectors there are of each row, by OP: those of A and B
// are in A then, pair by pair, two pairs in turn, and four numbers in turn.
#define PS(OP, A, B) \
	VUNPCKLPS B, A, Z0 \
	VUNPCKHPS B, A, Z1 \
	OP Z1, Z0, A
#define PD(OP, A, B) \
	VUNPCKLPD B, A, Z0 \
	VUNPCKHPD B, A, Z1 \
	OP Z1, Z0, A
#define X4(OP, A, B) \
	VSHUFF32X4 $0x88, B, A, Z0 \
	VSHUFF32X4 $0xdd, B, A, Z1 \
	OP Z1, Z0, A

// FOLD8 makes of the numbers of each half of eight vectors one, by OP: in A are those of the lower halves
// of A to D, of their upper halves, and the same of E to H.
#define FOLD8(OP, A, B, C, D, E, F, G, H) \
	PS(OP, A, B); PS(OP, C, D); PD(OP, A, C) \
	PS(OP, E, F); PS(OP, G, H); PD(OP, E, G); X4(OP, A, E)

// FOLD makes of the numbers of each of Z8 to Z23 one, by OP: Z8 are those.
#define FOLD(OP) \
	FOLD8(OP, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15) \
	FOLD8(OP, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23) \
	X4(OP, Z8, Z16)

#define ALL(ROW) \
	ROW(0, Z8); ROW(1, Z9); ROW(2, Z10); ROW(3, Z11) \
	ROW(4, Z12); ROW(5, Z13); ROW(6, Z14); ROW(7, Z15) \
	ROW(8, Z16); ROW(9, Z17); ROW(10, Z18); ROW(11, Z19) \
	ROW(12, Z20); ROW(13, Z21); ROW(14, Z22); ROW(15, Z23)

// LARGEST leaves in Z the largest magnitudes of row I, as integers, since these compare alike.
#define LARGEST(I, Z) \
	MOVQ (8*(I))(R12), R8 \
	VPANDD (SI)(R8*1), Z31, Z \
	VPANDD 64(SI)(R8*1), Z31, Z0 \
	VPMAXSD Z0, Z, Z

// ENTER has in R12 where the sixteen rows of a block are, of which those that lack are where the last
// is, and in K4 which do not lack. R13 is for 64 bytes.
#define ENTER \
	MOVQ dst+0(FP), DI \
	MOVQ x+8(FP), SI \
	MOVQ row+24(FP), DX \
	MOVQ rows+32(FP), R11 \
	LEAQ places-128(SP), R12 \
	LEAQ inverse-192(SP), R13 \
	MOVQ R11, CX \
	MOVL $1, AX \
	SHLL CX, AX \
	DECL AX \
	KMOVW AX, K4 \
	MOVQ blocks+16(FP), CX \
	XORL R8, R8 \
	MOVQ R12, R9 \
	MOVL $16, BX \
place: \
	MOVQ R8, (R9) \
	ADDQ $8, R9 \
	DECQ R11 \
	JLE last \
	ADDQ DX, R8 \
last: \
	DECQ BX \
	JNZ place \
	MOVQ rows+32(FP), R11

#define ZERO VMOVDQU Y0, (R9)
#define ZEROS VMOVDQU16 Z0, (R9); VMOVDQU16 Z0, 1024(R9)

// LACKING sets to zero the SIZE bytes of each row that lacks, by STORE at R9.
#define LACKING(SIZE, STORE) \
	CMPQ R11, $16 \
	JEQ sums \
	MOVQ R11, R9 \
	IMULQ $SIZE, R9 \
	ADDQ DI, R9 \
	VPXORD Z0, Z0, Z0 \
	MOVQ R11, BX \
zeros: \
	STORE \
	ADDQ $SIZE, R9 \
	INCQ BX \
	CMPQ BX, $16 \
	JNE zeros \
sums:

DATA quantiseConst<>+0(SB)/4, $0x7fffffff // bits of a magnitude
DATA quantiseConst<>+4(SB)/4, $0x42fe0000 // 127
DATA quantiseConst<>+8(SB)/4, $0x03800000 // 2^-120
DATA quantiseConst<>+12(SB)/4, $0x7f800000 // infinity
DATA quantiseConst<>+16(SB)/4, $0x7fc00000 // a NaN
DATA quantiseConst<>+20(SB)/4, $0x01010101 // ones
GLOBL quantiseConst<>(SB), RODATA|NOPTR, $24

// Where the quads of two rows are, which instructions that pack leave in turn: two of the first, two of
// the second.
DATA quads<>+0(SB)/8, $0x0d0905010c080400
DATA quads<>+8(SB)/8, $0x0f0b07030e0a0602
GLOBL quads<>(SB), RODATA|NOPTR, $16

// CODES are those of row I, words in Z.
#define CODES(I, Z, T) \
	MOVQ (8*(I))(R12), R8 \
	VBROADCASTSS (4*(I))(R13), T \
	VMULPS (SI)(R8*1), T, Z \
	VMULPS 64(SI)(R8*1), T, T \
	VCVTPS2DQ Z, Z \
	VCVTPS2DQ T, T \
	VPACKSSDW T, Z, Z

// TWO stores the codes of rows I and I+4, and leaves sums of four in Z: of the first in the lower half.
#define TWO(I, Z) \
	CODES(I, Z0, Z1) \
	CODES(I+4, Z2, Z3) \
	VPACKSSWB Z2, Z0, Z0 \
	VPERMD Z0, Z29, Z0 \
	VMOVDQU Y0, (32*I)(DI) \
	VEXTRACTI64X4 $1, Z0, (32*I+128)(DI) \
	VPXORD Z, Z, Z \
	VPDPBUSD Z0, Z28, Z

// func quantiseTilesAVX512(dst *byteTile, x *float32, blocks, row, rows int)
//
// blocks of rows of numbers, row bytes apart, as quantiseAVX2 and quantiseTilesGeneric: first
// the largest magnitudes of a block's rows, then with those of all rows what they are
// multiplied with, then the codes.
//
//	DI  the tile;  SI  its numbers;  R11  rows
//	Z31 Z30 Z29 Z28  bits of a magnitude, 127, quads, ones
//	Z25 Z26  largest magnitudes and d of the rows;  K3 K2  those that are usual, and those with an infinity or a NaN
TEXT ·quantiseTilesAVX512(SB), NOSPLIT, $192-40
	ENTER
	VPBROADCASTD quantiseConst<>+0(SB), Z31
	VBROADCASTSS quantiseConst<>+4(SB), Z30
	VPMOVZXBD quads<>(SB), Z29
	VPBROADCASTD quantiseConst<>+20(SB), Z28
block:
	ALL(LARGEST)
	FOLD(VPMAXSD)
	VMOVDQA32.Z Z8, K4, Z25
	VPCMPD.BCST $5, quantiseConst<>+8(SB), Z25, K1
	VPCMPD.BCST $5, quantiseConst<>+12(SB), Z25, K2
	KANDNW K1, K2, K3
	VDIVPS.Z Z30, Z25, K3, Z26
	VDIVPS.Z Z25, Z30, K3, Z6
	VMOVUPS Z6, (R13)
	TWO(0, Z8)
	TWO(1, Z9)
	TWO(2, Z10)
	TWO(3, Z11)
	TWO(8, Z12)
	TWO(9, Z13)
	TWO(10, Z14)
	TWO(11, Z15)
	LACKING(32, ZERO)
	FOLD8(VPADDD, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15) // of four rows a lane, in their order
	VCVTDQ2PS.Z Z8, K4, Z2
	VMULPS Z26, Z2, Z2
	KTESTW K2, K2
	JNE special
done:
	VMOVUPS Z26, TILE_D(DI)
	VMOVUPS Z2, TILE_S(DI)
	ADDQ $128, SI
	ADDQ $byteTile__size, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET

special: // what is not a number becomes d, and s a NaN
	VMOVAPS Z25, K2, Z26
	VBROADCASTSS quantiseConst<>+16(SB), K2, Z2
	VPXORD Z0, Z0, Z0
	KMOVW K2, AX
next:
	BSFL AX, BX
	SHLL $5, BX
	VMOVDQU Y0, (DI)(BX*1)
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

// PAIRS stores the numbers of row I, and leaves sums of two codes in Z.
#define PAIRS(I, Z) \
	MOVQ (8*(I))(R12), R8 \
	VBROADCASTSS (4*I)(R13), Z7 \
	VBROADCASTSS (4*I)(R10), Z6 \
	VMULPS (SI)(R8*1), Z7, Z0 \
	VMULPS 64(SI)(R8*1), Z7, Z1 \
	VCVTPS2DQ Z0, Z0 \
	VCVTPS2DQ Z1, Z1 \
	VPADDD Z1, Z0, Z \
	VCVTDQ2PS Z0, Z0 \
	VCVTDQ2PS Z1, Z1 \
	VMULPS Z6, Z0, Z0 \
	VMULPS Z6, Z1, Z1 \
	VPANDD Z30, Z0, Z2 \
	VPANDD Z30, Z1, Z3 \
	VSUBPS Z2, Z0, Z0 \
	VSUBPS Z3, Z1, Z1 \
	VCVTNE2PS2BF16(3, 2, 2) \
	VCVTNE2PS2BF16(1, 0, 0) \
	VPERMW Z2, Z29, Z2 \
	VPERMW Z0, Z29, Z0 \
	VMOVDQU16 Z2, (64*I)(DI) \
	VMOVDQU16 Z0, (1024+64*I)(DI)

// func quantisePairsAVX512(dst *pairTile, x *float32, blocks, row, rows int)
//
// blocks of rows of numbers, row bytes apart, as quantisePairsGeneric: first the largest
// magnitudes of a block's rows, then with those of all rows d and 1/d, then the numbers.
//
//	DI  the tile;  SI  its numbers;  R11  rows;  R10  d of the rows
//	Z31 Z30 Z29  bits of a magnitude, of a bfloat16, order of columns
//	Z24 Z25  largest magnitudes and d of the rows;  K3 those that are usual, K2 those that are not numbers
TEXT ·quantisePairsAVX512(SB), NOSPLIT, $256-40
	ENTER
	LEAQ d-256(SP), R10
	VPBROADCASTD pairConst<>+0(SB), Z31
	VPBROADCASTD pairConst<>+32(SB), Z30
	LEAQ ·wordTurns(SB), AX
	VMOVDQU16 (AX), Z29
block:
	ALL(LARGEST)
	FOLD(VPMAXSD)
	VMOVDQA32.Z Z8, K4, Z24
	VPCMPD.BCST $5, pairConst<>+20(SB), Z24, K1
	VPCMPD.BCST $5, pairConst<>+24(SB), Z24, K2
	KANDNW K1, K2, K3
	VPADDD.BCST pairConst<>+8(SB), Z24, Z24
	VPANDD.BCST pairConst<>+4(SB), Z24, Z24
	VPSUBD.BCST.Z pairConst<>+12(SB), Z24, K3, Z25
	VPBROADCASTD pairConst<>+16(SB), Z5
	VPSUBD.Z Z24, Z5, K3, Z6
	VPBROADCASTD pairConst<>+28(SB), K2, Z25
	VMOVUPS Z25, (R10)
	VMOVUPS Z6, (R13)
	ALL(PAIRS)
	LACKING(64, ZEROS)
	FOLD(VPADDD)
	VCVTDQ2PS.Z Z8, K4, Z2
	VMULPS Z25, Z2, Z2
	VMOVUPS Z2, PAIR_S(DI)
	ADDQ $128, SI
	ADDQ $pairTile__size, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET
