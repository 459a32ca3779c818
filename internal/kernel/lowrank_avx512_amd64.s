//go:build !purego

#include "textflag.h"

// Updates of low rank for AVX-512: panels of 32 outputs, one after the other, of 1
// or 4 rows, see LowRanks.
//
//	DI R12 R13 R14   rows of y, at the panel;  SI R8 R9 R10  rows of z
//	DX       weights, [R][32] a panel;  BX  panels left
//	AX       number in z;  CX  R
//	Z0 Z1    weights of one number;  Z4  the number
//	Z16–Z23  sums, two registers a row

#define F32AT(p, Z) VMOVUPS p, Z
#define F16AT(p, Z) VCVTPH2PS p, Z
#define BF16AT(p, Z) VPMOVZXWD p, Z; VPSLLD $16, Z, Z

// LINEAHEAD asks for what is four kilobytes on: for one row weights are read once, and what
// follows them in memory is read next.
#define LINEAHEAD PREFETCHT0 4096(DX)
#define NOTAHEAD

#define ZERO(A, B) VPXORD A, A, A; VPXORD B, B, B
#define ZERO1 ZERO(Z16, Z17)
#define ZERO4 ZERO1; ZERO(Z18, Z19); ZERO(Z20, Z21); ZERO(Z22, Z23)

#define ROW(z, A, B) \
	VBROADCASTSS (z)(AX*4), Z4 \
	VFMADD231PS Z0, Z4, A \
	VFMADD231PS Z1, Z4, B
#define ROWS1 ROW(SI, Z16, Z17)
#define ROWS4 ROWS1; ROW(R8, Z18, Z19); ROW(R9, Z20, Z21); ROW(R10, Z22, Z23)

#define PUT(y, A, B) \
	VADDPS (y), A, A \
	VADDPS 64(y), B, B \
	VMOVUPS A, (y) \
	VMOVUPS B, 64(y) \
	ADDQ $128, y
#define PUT1 PUT(DI, Z16, Z17)
#define PUT4 PUT1; PUT(R12, Z18, Z19); PUT(R13, Z20, Z21); PUT(R14, Z22, Z23)

#define EXPAND(AT, AHEAD, size, ZERON, ROWSN, PUTN) \
	MOVQ y+0(FP), DI \
	MOVQ z+8(FP), SI \
	MOVQ w+16(FP), DX \
	MOVQ yStride+24(FP), BX \
	MOVQ zStride+32(FP), AX \
	LEAQ (DI)(BX*4), R12 \
	LEAQ (DI)(BX*8), R13 \
	LEAQ (R12)(BX*8), R14 \
	LEAQ (SI)(AX*4), R8 \
	LEAQ (SI)(AX*8), R9 \
	LEAQ (R8)(AX*8), R10 \
	MOVQ r+40(FP), CX \
	MOVQ panels+48(FP), BX \
panel: \
	ZERON \
	XORL AX, AX \
number: \
	AT((DX), Z0) \
	AT((16*size)(DX), Z1) \
	AHEAD \
	ROWSN \
	ADDQ $(32*size), DX \
	INCQ AX \
	CMPQ AX, CX \
	JLT number \
	PUTN \
	DECQ BX \
	JNE panel \
	VZEROUPPER \
	RET

// func expandF32x1AVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)
TEXT ·expandF32x1AVX512(SB), NOSPLIT, $0-56
	EXPAND(F32AT, NOTAHEAD, 4, ZERO1, ROWS1, PUT1)

TEXT ·expandF32x4AVX512(SB), NOSPLIT, $0-56
	EXPAND(F32AT, NOTAHEAD, 4, ZERO4, ROWS4, PUT4)

TEXT ·expandF16x1AVX512(SB), NOSPLIT, $0-56
	EXPAND(F16AT, NOTAHEAD, 2, ZERO1, ROWS1, PUT1)

TEXT ·expandF16x4AVX512(SB), NOSPLIT, $0-56
	EXPAND(F16AT, NOTAHEAD, 2, ZERO4, ROWS4, PUT4)

TEXT ·expandBF16x1AVX512(SB), NOSPLIT, $0-56
	EXPAND(BF16AT, NOTAHEAD, 2, ZERO1, ROWS1, PUT1)

TEXT ·expandBF16x4AVX512(SB), NOSPLIT, $0-56
	EXPAND(BF16AT, NOTAHEAD, 2, ZERO4, ROWS4, PUT4)

TEXT ·expandF16x1AheadAVX512(SB), NOSPLIT, $0-56
	EXPAND(F16AT, LINEAHEAD, 2, ZERO1, ROWS1, PUT1)

TEXT ·expandBF16x1AheadAVX512(SB), NOSPLIT, $0-56
	EXPAND(BF16AT, LINEAHEAD, 2, ZERO1, ROWS1, PUT1)
