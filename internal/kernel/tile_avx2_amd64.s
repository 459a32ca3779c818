//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// Tile kernels for AVX2 and FMA: a panel of 16 weight rows times 1, 2 or 4 rows
// of activations ("tokens"), eight rows of the panel at a time.
//
// VPMADDUBSW multiplies unsigned with signed bytes and adds pairs, saturating to
// 16 bits. With weights of at most 63 two quads of columns stay below that:
// 4*63*127 = 32004. Weights of eight bits, 128 too large in the panel, are made
// signed again and their sign moved to the activations: 2*128*127 = 32512.
//
//	Y0–Y3    outputs, float32, one register a token
//	Y8–Y11   dot products of this step, int32
//	Y4 Y5    weights of two quads of columns, or of one and its magnitudes
//	Y12 Y13  scales, mins
//	Y14      shift of the offset, or 128 in every byte
//	Y15      1 in every 16 bits
//
//	DI SI R8   panel: weights, scales, mins
//	R9         activations of token 0;  R11 R12  one and three times their distance
//	DX         outputs of token 0;      BX R13   one and three times their distance
//	CX         blocks of 32 columns left
//	R10        halves of the panel left

#define TOKENS1(OP, off) OP(off(R9), Y8, Y0)
#define TOKENS2(OP, off) TOKENS1(OP, off); OP(off(R9)(R11*1), Y9, Y1)
#define TOKENS4(OP, off) TOKENS2(OP, off); OP(off(R9)(R11*2), Y10, Y2); OP(off(R9)(R12*1), Y11, Y3)

#define PAIRS1(OP, off, next) OP(off(R9), next(R9), Y8)
#define PAIRS2(OP, off, next) PAIRS1(OP, off, next); OP(off(R9)(R11*1), next(R9)(R11*1), Y9)
#define PAIRS4(OP, off, next) PAIRS2(OP, off, next); OP(off(R9)(R11*2), next(R9)(R11*2), Y10); OP(off(R9)(R12*1), next(R9)(R12*1), Y11)

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

#define DOTPAIR(x, next, sum) \
	VPBROADCASTD x, Y6 \
	VPBROADCASTD next, Y7 \
	VPMADDUBSW Y6, Y4, Y6 \
	VPMADDUBSW Y7, Y5, Y7 \
	VPADDW Y7, Y6, Y6 \
	VPMADDWD Y15, Y6, Y6 \
	VPADDD Y6, sum, sum

#define DOTWIDE(x, sum, out) \
	VPBROADCASTD x, Y6 \
	VPSIGNB Y4, Y6, Y6 \
	VPMADDUBSW Y6, Y5, Y6 \
	VPMADDWD Y15, Y6, Y6 \
	VPADDD Y6, sum, sum

#define PAIR(PAIRS, j) VMOVDQU (64*j)(DI), Y4; VMOVDQU (64*j+64)(DI), Y5; PAIRS(DOTPAIR, (4*j), (4*j+4))
#define WIDE(TOKENS, j) VPXOR (64*j)(DI), Y14, Y4; VPABSB Y4, Y5; TOKENS(DOTWIDE, (4*j))

#define ENTER \
	MOVQ t+0(FP), AX \
	MOVQ tile_stride(AX), R11 \
	IMULQ $actBlock__size, R11 \
	LEAQ (R11)(R11*2), R12 \
	MOVQ tile_outStride(AX), BX \
	SHLQ $2, BX \
	LEAQ (BX)(BX*2), R13 \
	VPCMPEQW Y15, Y15, Y15 \
	VPSRLW $15, Y15, Y15 \
	VMOVQ tile_shift(AX), X14 \
	XORL R10, R10

#define BEGIN(OUTPUTS) \
half: \
	MOVQ tile_q(AX), DI \
	ADDQ R10, DI \
	MOVQ tile_scale(AX), SI \
	ADDQ R10, SI \
	MOVQ tile_mins(AX), R8 \
	ADDQ R10, R8 \
	MOVQ tile_out(AX), DX \
	ADDQ R10, DX \
	MOVQ tile_x(AX), R9 \
	MOVQ tile_blocks(AX), CX \
	CMPB tile_more(AX), $0 \
	JNE more \
	OUTPUTS(CLEAROUT) \
	JMP block \
more: \
	OUTPUTS(LOADOUT)

#define LEAVE(OUTPUTS) \
	ADDQ $512, DI \
	ADDQ $actBlock__size, R9 \
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
#define OFFSETTILE(TOKENS, PAIRS, OUTPUTS) \
	ENTER \
	BEGIN(OUTPUTS) \
block: \
	TOKENS(OFFSET, actBlock_n) \
	PAIR(PAIRS, 0) \
	PAIR(PAIRS, 2) \
	PAIR(PAIRS, 4) \
	PAIR(PAIRS, 6) \
	VMOVUPS (SI), Y12 \
	TOKENS(SCALE, actBlock_d) \
	ADDQ $64, SI \
	LEAVE(OUTPUTS)

// Weights are q - 128, a scale for 32 columns.
#define WIDETILE(TOKENS, OUTPUTS) \
	ENTER \
	VPCMPEQB Y14, Y14, Y14 \
	VPSLLW $15, Y14, Y14 \
	VPACKSSWB Y14, Y14, Y14 \
	BEGIN(OUTPUTS) \
block: \
	TOKENS(CLEAR, 0) \
	WIDE(TOKENS, 0) \
	WIDE(TOKENS, 1) \
	WIDE(TOKENS, 2) \
	WIDE(TOKENS, 3) \
	WIDE(TOKENS, 4) \
	WIDE(TOKENS, 5) \
	WIDE(TOKENS, 6) \
	WIDE(TOKENS, 7) \
	VMOVUPS (SI), Y12 \
	TOKENS(SCALE, actBlock_d) \
	ADDQ $64, SI \
	LEAVE(OUTPUTS)

// Weights are q, with a scale and a min for 32 columns.
#define MINSTILE(TOKENS, PAIRS, OUTPUTS) \
	ENTER \
	BEGIN(OUTPUTS) \
block: \
	TOKENS(CLEAR, 0) \
	PAIR(PAIRS, 0) \
	PAIR(PAIRS, 2) \
	PAIR(PAIRS, 4) \
	PAIR(PAIRS, 6) \
	VMOVUPS (SI), Y12 \
	VMOVUPS (R8), Y13 \
	TOKENS(SCALE, actBlock_d) \
	TOKENS(ADDMIN, actBlock_s) \
	ADDQ $64, SI \
	ADDQ $64, R8 \
	LEAVE(OUTPUTS)

// Weights are q - 1<<shift, a scale for 16 columns.
#define STEP16TILE(TOKENS, PAIRS, OUTPUTS) \
	ENTER \
	BEGIN(OUTPUTS) \
block: \
	TOKENS(OFFSET, actBlock_n16) \
	PAIR(PAIRS, 0) \
	PAIR(PAIRS, 2) \
	VMOVUPS (SI), Y12 \
	TOKENS(SCALE, actBlock_d) \
	TOKENS(BROADCAST, actBlock_n) \
	TOKENS(REST, actBlock_n16) \
	PAIR(PAIRS, 4) \
	PAIR(PAIRS, 6) \
	VMOVUPS 64(SI), Y12 \
	TOKENS(SCALE, actBlock_d) \
	ADDQ $128, SI \
	LEAVE(OUTPUTS)

TEXT ·offsetTile1AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS1, PAIRS1, OUTPUTS1)

TEXT ·offsetTile2AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS2, PAIRS2, OUTPUTS2)

TEXT ·offsetTile4AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS4, PAIRS4, OUTPUTS4)

TEXT ·wideTile1AVX2(SB), NOSPLIT, $0-8
	WIDETILE(TOKENS1, OUTPUTS1)

TEXT ·wideTile2AVX2(SB), NOSPLIT, $0-8
	WIDETILE(TOKENS2, OUTPUTS2)

TEXT ·wideTile4AVX2(SB), NOSPLIT, $0-8
	WIDETILE(TOKENS4, OUTPUTS4)

TEXT ·minsTile1AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS1, PAIRS1, OUTPUTS1)

TEXT ·minsTile2AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS2, PAIRS2, OUTPUTS2)

TEXT ·minsTile4AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS4, PAIRS4, OUTPUTS4)

TEXT ·step16Tile1AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS1, PAIRS1, OUTPUTS1)

TEXT ·step16Tile2AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS2, PAIRS2, OUTPUTS2)

TEXT ·step16Tile4AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS4, PAIRS4, OUTPUTS4)
