//go:build !purego

#include "textflag.h"

// Attention for AVX2. Rows of scores and weights are chunkLen numbers apart.

#define CHUNK 512 // bytes

#define ZERO2(A, B) VXORPS A, A, A; VXORPS B, B, B

// Scores of 1 to 4 queries with 16 keys, whose numbers lie side by side.
//
//	R8–R11   queries;  AX  number in them;  CX  numbers in all
//	SI       keys, row AX;  DX  bytes of a row
//	Y0 Y1    keys;  Y2–Y5  the number of each query
//	Y8–Y15   scores, two registers a query
#define SCORES16(q, Q, A, B) \
	VBROADCASTSS (q)(AX*4), Q \
	VFMADD231PS Y0, Q, A \
	VFMADD231PS Y1, Q, B

#define SCORES_ARGS \
	MOVQ s+0(FP), DI \
	MOVQ q+8(FP), R8 \
	MOVQ k+16(FP), SI \
	MOVQ d+24(FP), CX \
	MOVQ blockLen+32(FP), DX \
	SHLQ $2, DX \
	LEAQ (R8)(CX*4), R9 \
	LEAQ (R9)(CX*4), R10 \
	LEAQ (R10)(CX*4), R11 \
	XORQ AX, AX

#define SCORES_NEXT \
	ADDQ DX, SI \
	INCQ AX \
	CMPQ AX, CX \
	JLT  loop

#define STORE16(p, A, B) \
	VMOVUPS A, (p) \
	VMOVUPS B, 32(p)

// Weighted values of 1 to 4 queries, 16 numbers of each head, added to what is
// there.
//
//	DI R12 R13 BX   results;  DX  bytes of a row of them, and of a row of values
//	R8–R11   weights;  AX  row of values;  CX  the row to stop at
//	SI       values, row AX
//	Y0 Y1    values;  Y2–Y5  the weight of each query
//	Y8–Y15   results, two registers a query
#define VALUES16(p, P, A, B) \
	VBROADCASTSS (p)(AX*4), P \
	VFMADD231PS Y0, P, A \
	VFMADD231PS Y1, P, B

#define VALUES_ARGS \
	MOVQ a+0(FP), DI \
	MOVQ p+8(FP), R8 \
	MOVQ v+16(FP), SI \
	MOVQ d+24(FP), DX \
	MOVQ lo+32(FP), AX \
	MOVQ hi+40(FP), CX \
	SHLQ $2, DX \
	MOVQ DX, BX \
	IMULQ AX, BX \
	ADDQ BX, SI \
	LEAQ CHUNK(R8), R9 \
	LEAQ (2*CHUNK)(R8), R10 \
	LEAQ (3*CHUNK)(R8), R11 \
	LEAQ (DI)(DX*1), R12 \
	LEAQ (R12)(DX*1), R13 \
	LEAQ (R13)(DX*1), BX

#define VALUES_NEXT \
	ADDQ DX, SI \
	INCQ AX \
	CMPQ AX, CX \
	JLT  loop

#define LOAD16(p, A, B) \
	VMOVUPS (p), A \
	VMOVUPS 32(p), B

// func scores1x16AVX2(s, q, k *float32, d, blockLen int)
TEXT ·scores1x16AVX2(SB), NOSPLIT, $0-40
	SCORES_ARGS
	ZERO2(Y8, Y9)
loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	SCORES16(R8, Y2, Y8, Y9)
	SCORES_NEXT
	STORE16(DI, Y8, Y9)
	VZEROUPPER
	RET

// func scores2x16AVX2(s, q, k *float32, d, blockLen int)
TEXT ·scores2x16AVX2(SB), NOSPLIT, $0-40
	SCORES_ARGS
	ZERO2(Y8, Y9)
	ZERO2(Y10, Y11)
loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	SCORES16(R8, Y2, Y8, Y9)
	SCORES16(R9, Y3, Y10, Y11)
	SCORES_NEXT
	STORE16(DI, Y8, Y9)
	ADDQ $CHUNK, DI
	STORE16(DI, Y10, Y11)
	VZEROUPPER
	RET

// func scores3x16AVX2(s, q, k *float32, d, blockLen int)
TEXT ·scores3x16AVX2(SB), NOSPLIT, $0-40
	SCORES_ARGS
	ZERO2(Y8, Y9)
	ZERO2(Y10, Y11)
	ZERO2(Y12, Y13)
loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	SCORES16(R8, Y2, Y8, Y9)
	SCORES16(R9, Y3, Y10, Y11)
	SCORES16(R10, Y4, Y12, Y13)
	SCORES_NEXT
	STORE16(DI, Y8, Y9)
	ADDQ $CHUNK, DI
	STORE16(DI, Y10, Y11)
	ADDQ $CHUNK, DI
	STORE16(DI, Y12, Y13)
	VZEROUPPER
	RET

// func scores4x16AVX2(s, q, k *float32, d, blockLen int)
TEXT ·scores4x16AVX2(SB), NOSPLIT, $0-40
	SCORES_ARGS
	ZERO2(Y8, Y9)
	ZERO2(Y10, Y11)
	ZERO2(Y12, Y13)
	ZERO2(Y14, Y15)
loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	SCORES16(R8, Y2, Y8, Y9)
	SCORES16(R9, Y3, Y10, Y11)
	SCORES16(R10, Y4, Y12, Y13)
	SCORES16(R11, Y5, Y14, Y15)
	SCORES_NEXT
	STORE16(DI, Y8, Y9)
	ADDQ $CHUNK, DI
	STORE16(DI, Y10, Y11)
	ADDQ $CHUNK, DI
	STORE16(DI, Y12, Y13)
	ADDQ $CHUNK, DI
	STORE16(DI, Y14, Y15)
	VZEROUPPER
	RET

// func values1x16AVX2(a, p, v *float32, d, lo, hi int)
TEXT ·values1x16AVX2(SB), NOSPLIT, $0-48
	VALUES_ARGS
	LOAD16(DI, Y8, Y9)
loop:
	LOAD16(SI, Y0, Y1)
	VALUES16(R8, Y2, Y8, Y9)
	VALUES_NEXT
	STORE16(DI, Y8, Y9)
	VZEROUPPER
	RET

// func values2x16AVX2(a, p, v *float32, d, lo, hi int)
TEXT ·values2x16AVX2(SB), NOSPLIT, $0-48
	VALUES_ARGS
	LOAD16(DI, Y8, Y9)
	LOAD16(R12, Y10, Y11)
loop:
	LOAD16(SI, Y0, Y1)
	VALUES16(R8, Y2, Y8, Y9)
	VALUES16(R9, Y3, Y10, Y11)
	VALUES_NEXT
	STORE16(DI, Y8, Y9)
	STORE16(R12, Y10, Y11)
	VZEROUPPER
	RET

// func values3x16AVX2(a, p, v *float32, d, lo, hi int)
TEXT ·values3x16AVX2(SB), NOSPLIT, $0-48
	VALUES_ARGS
	LOAD16(DI, Y8, Y9)
	LOAD16(R12, Y10, Y11)
	LOAD16(R13, Y12, Y13)
loop:
	LOAD16(SI, Y0, Y1)
	VALUES16(R8, Y2, Y8, Y9)
	VALUES16(R9, Y3, Y10, Y11)
	VALUES16(R10, Y4, Y12, Y13)
	VALUES_NEXT
	STORE16(DI, Y8, Y9)
	STORE16(R12, Y10, Y11)
	STORE16(R13, Y12, Y13)
	VZEROUPPER
	RET

// func values4x16AVX2(a, p, v *float32, d, lo, hi int)
TEXT ·values4x16AVX2(SB), NOSPLIT, $0-48
	VALUES_ARGS
	LOAD16(DI, Y8, Y9)
	LOAD16(R12, Y10, Y11)
	LOAD16(R13, Y12, Y13)
	LOAD16(BX, Y14, Y15)
loop:
	LOAD16(SI, Y0, Y1)
	VALUES16(R8, Y2, Y8, Y9)
	VALUES16(R9, Y3, Y10, Y11)
	VALUES16(R10, Y4, Y12, Y13)
	VALUES16(R11, Y5, Y14, Y15)
	VALUES_NEXT
	STORE16(DI, Y8, Y9)
	STORE16(R12, Y10, Y11)
	STORE16(R13, Y12, Y13)
	STORE16(BX, Y14, Y15)
	VZEROUPPER
	RET
