//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// Tile kernels for AVX-512 with VNNI: a panel of 16 weight rows times 1, 2, 4 or
// 8 rows of activations ("tokens"). VPDPBUSD multiplies four columns of sixteen
// rows (unsigned bytes, one row a lane) with four activations (signed bytes,
// broadcast from memory) and adds the sums to sixteen 32-bit numbers.
//
//	Z0–Z7    outputs, float32, one register a token
//	Z8–Z15   dot products of this step, int32
//	Z16      weights of one quad of columns
//	Z17 Z18  scales, mins
//	Z19      scale times the d of a token
//	X20      shift of the offset
//
//	DI SI R8   panel: weights, scales, mins
//	R9 R10     activations of tokens 0 and 4;  R11 R12  one and three times their distance
//	DX AX      outputs of tokens 0 and 4;      BX R13   one and three times their distance
//	CX         blocks of 32 columns left

// TOKENSn(OP, …) is OP for each of n tokens: OP(address, int32 sums, outputs).
#define TOKENS1(OP, off) OP(off(R9), Z8, Z0)
#define TOKENS2(OP, off) TOKENS1(OP, off); OP(off(R9)(R11*1), Z9, Z1)
#define TOKENS4(OP, off) TOKENS2(OP, off); OP(off(R9)(R11*2), Z10, Z2); OP(off(R9)(R12*1), Z11, Z3)
#define TOKENS8(OP, off) TOKENS4(OP, off); \
	OP(off(R10), Z12, Z4); OP(off(R10)(R11*1), Z13, Z5); OP(off(R10)(R11*2), Z14, Z6); OP(off(R10)(R12*1), Z15, Z7)

#define OUTPUTS1(OP) OP((DX), Z0)
#define OUTPUTS2(OP) OUTPUTS1(OP); OP((DX)(BX*1), Z1)
#define OUTPUTS4(OP) OUTPUTS2(OP); OP((DX)(BX*2), Z2); OP((DX)(R13*1), Z3)
#define OUTPUTS8(OP) OUTPUTS4(OP); OP((AX), Z4); OP((AX)(BX*1), Z5); OP((AX)(BX*2), Z6); OP((AX)(R13*1), Z7)

#define CLEAROUT(m, out) VPXORD out, out, out
#define LOADOUT(m, out) VMOVUPS m, out
#define STOREOUT(m, out) VMOVUPS out, m

#define CLEAR(x, sum, out) VPXORD sum, sum, sum
#define OFFSET(x, sum, out) VPBROADCASTD x, sum; VPSLLD X20, sum, sum
#define BROADCAST(x, sum, out) VPBROADCASTD x, sum
#define REST(x, sum, out) VPSUBD.BCST x, sum, sum; VPSLLD X20, sum, sum
#define DOT(x, sum, out) VPDPBUSD.BCST x, Z16, sum
#define SCALE(x, sum, out) VCVTDQ2PS sum, sum; VMULPS.BCST x, Z17, Z19; VFMADD231PS Z19, sum, out
#define ADDMIN(x, sum, out) VFMADD231PS.BCST x, Z18, out

#define QUAD(TOKENS, j) VMOVDQU64 (64*j)(DI), Z16; TOKENS(DOT, (4*j))
#define QUADS03(TOKENS) QUAD(TOKENS, 0); QUAD(TOKENS, 1); QUAD(TOKENS, 2); QUAD(TOKENS, 3)
#define QUADS47(TOKENS) QUAD(TOKENS, 4); QUAD(TOKENS, 5); QUAD(TOKENS, 6); QUAD(TOKENS, 7)

#define ENTER(OUTPUTS) \
	MOVQ t+0(FP), AX \
	MOVQ tile_q(AX), DI \
	MOVQ tile_scale(AX), SI \
	MOVQ tile_mins(AX), R8 \
	MOVQ tile_x(AX), R9 \
	MOVQ tile_stride(AX), R11 \
	IMULQ $actBlock__size, R11 \
	LEAQ (R11)(R11*2), R12 \
	LEAQ (R9)(R11*4), R10 \
	MOVQ tile_out(AX), DX \
	MOVQ tile_outStride(AX), BX \
	SHLQ $2, BX \
	LEAQ (BX)(BX*2), R13 \
	MOVQ tile_blocks(AX), CX \
	VMOVQ tile_shift(AX), X20 \
	MOVBLZX tile_more(AX), AX \
	TESTL AX, AX \
	LEAQ (DX)(BX*4), AX \
	JNE more \
	OUTPUTS(CLEAROUT) \
	JMP block \
more: \
	OUTPUTS(LOADOUT)

#define LEAVE(OUTPUTS) \
	ADDQ $512, DI \
	ADDQ $actBlock__size, R9 \
	ADDQ $actBlock__size, R10 \
	DECQ CX \
	JNE block \
	OUTPUTS(STOREOUT) \
	VZEROUPPER \
	RET

// Weights are q - 1<<shift, a scale for 32 columns. The sums begin at the
// activations' negated sum times 1<<shift.
#define OFFSETTILE(TOKENS, OUTPUTS) \
	ENTER(OUTPUTS) \
block: \
	TOKENS(OFFSET, actBlock_n) \
	QUADS03(TOKENS) \
	QUADS47(TOKENS) \
	VMOVUPS (SI), Z17 \
	TOKENS(SCALE, actBlock_d) \
	ADDQ $64, SI \
	LEAVE(OUTPUTS)

// Weights are q, with a scale and a min for 32 columns.
#define MINSTILE(TOKENS, OUTPUTS) \
	ENTER(OUTPUTS) \
block: \
	TOKENS(CLEAR, 0) \
	QUADS03(TOKENS) \
	QUADS47(TOKENS) \
	VMOVUPS (SI), Z17 \
	VMOVUPS (R8), Z18 \
	TOKENS(SCALE, actBlock_d) \
	TOKENS(ADDMIN, actBlock_s) \
	ADDQ $64, SI \
	ADDQ $64, R8 \
	LEAVE(OUTPUTS)

// Weights are q - 1<<shift, a scale for 16 columns.
#define STEP16TILE(TOKENS, OUTPUTS) \
	ENTER(OUTPUTS) \
block: \
	TOKENS(OFFSET, actBlock_n16) \
	QUADS03(TOKENS) \
	VMOVUPS (SI), Z17 \
	TOKENS(SCALE, actBlock_d) \
	TOKENS(BROADCAST, actBlock_n) \
	TOKENS(REST, actBlock_n16) \
	QUADS47(TOKENS) \
	VMOVUPS 64(SI), Z17 \
	TOKENS(SCALE, actBlock_d) \
	ADDQ $128, SI \
	LEAVE(OUTPUTS)

TEXT ·offsetTile1AVX512(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS1, OUTPUTS1)

TEXT ·offsetTile2AVX512(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS2, OUTPUTS2)

TEXT ·offsetTile4AVX512(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS4, OUTPUTS4)

TEXT ·offsetTile8AVX512(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS8, OUTPUTS8)

TEXT ·minsTile1AVX512(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS1, OUTPUTS1)

TEXT ·minsTile2AVX512(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS2, OUTPUTS2)

TEXT ·minsTile4AVX512(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS4, OUTPUTS4)

TEXT ·minsTile8AVX512(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS8, OUTPUTS8)

TEXT ·step16Tile1AVX512(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS1, OUTPUTS1)

TEXT ·step16Tile2AVX512(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS2, OUTPUTS2)

TEXT ·step16Tile4AVX512(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS4, OUTPUTS4)

TEXT ·step16Tile8AVX512(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS8, OUTPUTS8)
