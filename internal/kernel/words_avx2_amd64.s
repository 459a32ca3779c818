//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// Tile kernels for AVX2 and FMA with activations of 16 bits: a panel of 16 weight
// rows times 1, 2 or 4 rows of activations ("tokens"), eight rows of the panel at
// a time. The bytes of a quad are split into two vectors of words, its columns 0, 2
// and 1, 3; VPMADDWD multiplies each with two activations and adds these up.
//
//	Y0–Y3    outputs, float32, one register a token
//	Y8–Y11   dot products of this step, int32
//	Y4 Y5    weights of a quad: columns 0, 2 and 1, 3
//	Y12 Y13  scales, mins
//	Y14      shift of the offset
//	Y15      255 in every 16 bits
//
//	DI SI R8   panel: weights, scales, mins
//	R9         activations of token 0;  R11 R12  one and three times their distance
//	DX         outputs of token 0;      BX R13   one and three times their distance
//	CX         blocks of 32 columns left
//	R10        halves of the panel left

#define TOKENS1(OP, off) OP(off(R9), Y8, Y0)
#define TOKENS2(OP, off) TOKENS1(OP, off); OP(off(R9)(R11*1), Y9, Y1)
#define TOKENS4(OP, off) TOKENS2(OP, off); OP(off(R9)(R11*2), Y10, Y2); OP(off(R9)(R12*1), Y11, Y3)

#define OUTPUTS1(OP) OP((DX), Y0)
#define OUTPUTS2(OP) OUTPUTS1(OP); OP((DX)(BX*1), Y1)
#define OUTPUTS4(OP) OUTPUTS2(OP); OP((DX)(BX*2), Y2); OP((DX)(R13*1), Y3)

#define CLEAROUT(m, out) VPXOR out, out, out
#define LOADOUT(m, out) VMOVUPS m, out
#define STOREOUT(m, out) VMOVUPS out, m

#define CLEAR(x, sum, out) VPXOR sum, sum, sum
#define OFFSET(x, sum, out) VPBROADCASTD x, sum; VPSLLD X14, sum, sum
#define BROADCAST(x, sum, out) VPBROADCASTD x, sum
#define REST(x, sum, out) VPBROADCASTD x, Y6; VPSUBD Y6, sum, sum; VPSLLD X14, sum, sum
#define SCALE(x, sum, out) VCVTDQ2PS sum, sum; VBROADCASTSS x, Y6; VMULPS Y6, Y12, Y6; VFMADD231PS Y6, sum, out
#define ADDMIN(x, sum, out) VBROADCASTSS x, Y6; VFMADD231PS Y6, Y13, out
#define DOT4(x, sum, out) VPBROADCASTD x, Y6; VPMADDWD Y6, Y4, Y6; VPADDD Y6, sum, sum
#define DOT5(x, sum, out) VPBROADCASTD x, Y7; VPMADDWD Y7, Y5, Y7; VPADDD Y7, sum, sum

#define QUAD(TOKENS, j) \
	VMOVDQU (64*j)(DI), Y5 \
	VPAND Y15, Y5, Y4 \
	VPSRLW $8, Y5, Y5 \
	TOKENS(DOT4, (8*j)) \
	TOKENS(DOT5, (8*j+4))

#define FOUR(TOKENS, j) QUAD(TOKENS, j); QUAD(TOKENS, (j+1)); QUAD(TOKENS, (j+2)); QUAD(TOKENS, (j+3))

#define ENTER(OUTPUTS) \
	MOVQ t+0(FP), AX \
	MOVQ tile_stride(AX), R11 \
	IMULQ $wordBlock__size, R11 \
	LEAQ (R11)(R11*2), R12 \
	MOVQ tile_outStride(AX), BX \
	SHLQ $2, BX \
	LEAQ (BX)(BX*2), R13 \
	VPCMPEQW Y15, Y15, Y15 \
	VPSRLW $8, Y15, Y15 \
	VMOVQ tile_shift(AX), X14 \
	XORL R10, R10 \
half: \
	MOVQ tile_q(AX), DI \
	ADDQ R10, DI \
	MOVQ tile_scale(AX), SI \
	ADDQ R10, SI \
	MOVQ tile_mins(AX), R8 \
	ADDQ R10, R8 \
	MOVQ tile_out(AX), DX \
	ADDQ R10, DX \
	MOVQ tile_words(AX), R9 \
	MOVQ tile_blocks(AX), CX \
	CMPB tile_more(AX), $0 \
	JNE more \
	OUTPUTS(CLEAROUT) \
	JMP block \
more: \
	OUTPUTS(LOADOUT)

#define LEAVE(OUTPUTS) \
	ADDQ $512, DI \
	ADDQ $wordBlock__size, R9 \
	DECQ CX \
	JNE block \
	OUTPUTS(STOREOUT) \
	ADDQ $32, R10 \
	CMPQ R10, $64 \
	JNE half \
	VZEROUPPER \
	RET

// Weights are q - 1<<shift, a scale for 32 columns. The sums begin at the
// activations' negated sum times 1<<shift.
#define OFFSETTILE(TOKENS, OUTPUTS) \
	ENTER(OUTPUTS) \
block: \
	TOKENS(OFFSET, wordBlock_n) \
	FOUR(TOKENS, 0) \
	FOUR(TOKENS, 4) \
	VMOVUPS (SI), Y12 \
	TOKENS(SCALE, wordBlock_d) \
	ADDQ $64, SI \
	LEAVE(OUTPUTS)

// Weights are q, with a scale and a min for 32 columns.
#define MINSTILE(TOKENS, OUTPUTS) \
	ENTER(OUTPUTS) \
block: \
	TOKENS(CLEAR, 0) \
	FOUR(TOKENS, 0) \
	FOUR(TOKENS, 4) \
	VMOVUPS (SI), Y12 \
	VMOVUPS (R8), Y13 \
	TOKENS(SCALE, wordBlock_d) \
	TOKENS(ADDMIN, wordBlock_s) \
	ADDQ $64, SI \
	ADDQ $64, R8 \
	LEAVE(OUTPUTS)

// Weights are q - 1<<shift, a scale for 16 columns.
#define STEP16TILE(TOKENS, OUTPUTS) \
	ENTER(OUTPUTS) \
block: \
	TOKENS(OFFSET, wordBlock_n16) \
	FOUR(TOKENS, 0) \
	VMOVUPS (SI), Y12 \
	TOKENS(SCALE, wordBlock_d) \
	TOKENS(BROADCAST, wordBlock_n) \
	TOKENS(REST, wordBlock_n16) \
	FOUR(TOKENS, 4) \
	VMOVUPS 64(SI), Y12 \
	TOKENS(SCALE, wordBlock_d) \
	ADDQ $128, SI \
	LEAVE(OUTPUTS)

TEXT ·offsetWords1AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS1, OUTPUTS1)

TEXT ·offsetWords2AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS2, OUTPUTS2)

TEXT ·offsetWords4AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS4, OUTPUTS4)

TEXT ·minsWords1AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS1, OUTPUTS1)

TEXT ·minsWords2AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS2, OUTPUTS2)

TEXT ·minsWords4AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS4, OUTPUTS4)

TEXT ·step16Words1AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS1, OUTPUTS1)

TEXT ·step16Words2AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS2, OUTPUTS2)

TEXT ·step16Words4AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS4, OUTPUTS4)
