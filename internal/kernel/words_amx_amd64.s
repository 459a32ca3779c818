//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "registers_avx512_amd64.h"
#include "amx_amd64.h"

// Products of activations of 16 bits on the tiles of AMX. While the sums of a block are
// scaled and added to the outputs, those of the next are computed.
//
//	SI        activations, blocks of wordTile__size bytes; R9  d and s of the block
//	DI        the panel; R11 R12  scales and mins
//	BX R10    sums of the next block and of this: high, and low 1024 bytes on
//	AX DX     64 and 32, bytes between rows
//	Z0–Z15    outputs;  Z30 Z31  scales and mins of sixteen weight rows
#define SUMS \
	TILEZERO(0) \
	TILEZERO(1) \
	TILELOADD(6, 7, 0, 0) \
	TILELOADD(4, 6, 2, 0) \
	TILELOADD(5, 6, 2, 512) \
	TDPBSSD(0, 4, 6) \
	TDPBUSD(1, 5, 6) \
	TILESTORED(0, 3, 0, 0) \
	TILESTORED(1, 3, 0, 1024) \
	ADDQ $512, DI

// SCALED adds the sums of row I, scaled, to its outputs O; ADDMIN what its mins make.
#define SCALED(I, O, T, S) \
	VMOVDQU32 (64*I)(R10), T \
	VPSLLD $8, T, T \
	VPADDD (1024+64*I)(R10), T, T \
	VCVTDQ2PS T, T \
	VMULPS.BCST (4*I)(R9), Z30, S \
	VFMADD231PS S, T, O
#define ADDMIN(I, O) VFMADD231PS.BCST (64+4*I)(R9), Z31, O

// func wordsAMX(t *wordsTile)
TEXT ·wordsAMX(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	LEAQ ·wordShapes(SB), DI
	LDTILECFG_DI
	MOVQ wordsTile_x(R15), SI
	MOVQ wordsTile_q(R15), DI
	MOVQ wordsTile_scale(R15), R11
	MOVQ wordsTile_mins(R15), R12
	MOVQ wordsTile_blocks(R15), R13
	MOVQ wordsTile_sums(R15), BX
	LEAQ 2048(BX), R10
	MOVQ $64, AX
	MOVQ $32, DX
	ZERO16
	SUMS
block:
	XCHGQ BX, R10
	LEAQ 1024(SI), R9
	ADDQ $wordTile__size, SI
	CMPQ R13, $1
	JEQ scale
	SUMS
scale:
	VMOVUPS (R11), Z30
	ADDQ $64, R11
	SCALED(0, Z0, Z16, Z17)
	SCALED(1, Z1, Z18, Z19)
	SCALED(2, Z2, Z20, Z21)
	SCALED(3, Z3, Z22, Z23)
	SCALED(4, Z4, Z16, Z17)
	SCALED(5, Z5, Z18, Z19)
	SCALED(6, Z6, Z20, Z21)
	SCALED(7, Z7, Z22, Z23)
	SCALED(8, Z8, Z16, Z17)
	SCALED(9, Z9, Z18, Z19)
	SCALED(10, Z10, Z20, Z21)
	SCALED(11, Z11, Z22, Z23)
	SCALED(12, Z12, Z16, Z17)
	SCALED(13, Z13, Z18, Z19)
	SCALED(14, Z14, Z20, Z21)
	SCALED(15, Z15, Z22, Z23)
	TESTQ R12, R12
	JEQ next
	VMOVUPS (R12), Z31
	ADDQ $64, R12
	ADDMIN(0, Z0)
	ADDMIN(1, Z1)
	ADDMIN(2, Z2)
	ADDMIN(3, Z3)
	ADDMIN(4, Z4)
	ADDMIN(5, Z5)
	ADDMIN(6, Z6)
	ADDMIN(7, Z7)
	ADDMIN(8, Z8)
	ADDMIN(9, Z9)
	ADDMIN(10, Z10)
	ADDMIN(11, Z11)
	ADDMIN(12, Z12)
	ADDMIN(13, Z13)
	ADDMIN(14, Z14)
	ADDMIN(15, Z15)
next:
	DECQ R13
	JNZ block
	TILERELEASE
	MOVQ wordsTile_out(R15), DI
	MOVQ wordsTile_outRow(R15), DX
	PUT16
	VZEROUPPER
	RET

// func splitWordsAVX512(dst *wordTile, words *wordBlock, blocks, row int)
//
// blocks of sixteen rows, row blocks apart.
TEXT ·splitWordsAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ words+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ row+24(FP), DX
	IMULQ $wordBlock__size, DX
	LEAQ ·wordTurns(SB), AX
	VMOVDQU16 (AX), Z7
block:
	MOVQ SI, R8
	MOVQ DI, R9
	LEAQ 1024(DI), R10
	MOVQ $16, BX
rows:
	VMOVDQU16 (R8), Z0
	VPERMW Z0, Z7, Z0
	VPMOVWB Z0, Y1
	VPSRLW $8, Z0, Z0
	VPMOVWB Z0, Y2
	VMOVDQU Y2, (R9)
	VMOVDQU Y1, 512(R9)
	MOVL wordBlock_d(R8), AX
	MOVL AX, (R10)
	MOVL wordBlock_s(R8), AX
	MOVL AX, 64(R10)
	ADDQ DX, R8
	ADDQ $32, R9
	ADDQ $4, R10
	DECQ BX
	JNZ rows
	ADDQ $wordBlock__size, SI
	ADDQ $wordTile__size, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET

// func lowerAVX512(q *uint8, n int, by uint8)
TEXT ·lowerAVX512(SB), NOSPLIT, $0-17
	MOVQ q+0(FP), DI
	MOVQ n+8(FP), CX
	MOVBLZX by+16(FP), AX
	VPBROADCASTB AX, Z0
loop:
	VMOVDQU8 (DI), Z1
	VPSUBB Z0, Z1, Z1
	VMOVDQU8 Z1, (DI)
	ADDQ $64, DI
	SUBQ $64, CX
	JNZ loop
	VZEROUPPER
	RET
