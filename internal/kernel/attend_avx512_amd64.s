//go:build !purego

#include "textflag.h"

// Attention for AVX-512. Rows of scores and weights are chunkLen numbers apart.

#define CHUNK 512 // bytes

#define ZERO2(A, B) VPXORD A, A, A; VPXORD B, B, B

// Scores of 1 to 4 queries with 32 keys, whose numbers lie side by side.
//
//	R8–R11   queries;  AX  number in them;  CX  numbers in all
//	SI       keys, row AX;  DX  bytes of a row
//	Z0 Z1    keys;  Z2–Z5  the number of each query
//	Z16–Z23  scores, two registers a query
#define SCORES32(q, Q, A, B) \
	VBROADCASTSS (q)(AX*4), Q \
	VFMADD231PS Z0, Q, A \
	VFMADD231PS Z1, Q, B

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

// Weighted values of 1 to 4 queries, 64 numbers of each head, added to what is
// there.
//
//	DI       results;  DX  bytes of a row of them, and of a row of values
//	R8–R11   weights;  AX  row of values;  CX  the row to stop at
//	SI       values, row AX
//	Z0–Z3    values;  Z4–Z7  the weight of each query
//	Z16–Z31  results, four registers a query
#define VALUES64(p, P, A, B, C, D) \
	VBROADCASTSS (p)(AX*4), P \
	VFMADD231PS Z0, P, A \
	VFMADD231PS Z1, P, B \
	VFMADD231PS Z2, P, C \
	VFMADD231PS Z3, P, D

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

#define VALUES_ROW64 \
	VMOVUPS (SI), Z0 \
	VMOVUPS 64(SI), Z1 \
	VMOVUPS 128(SI), Z2 \
	VMOVUPS 192(SI), Z3

#define VALUES_NEXT \
	ADDQ DX, SI \
	INCQ AX \
	CMPQ AX, CX \
	JLT  loop

#define LOAD64(p, A, B, C, D) \
	VMOVUPS (p), A \
	VMOVUPS 64(p), B \
	VMOVUPS 128(p), C \
	VMOVUPS 192(p), D

#define STORE64(p, A, B, C, D) \
	VMOVUPS A, (p) \
	VMOVUPS B, 64(p) \
	VMOVUPS C, 128(p) \
	VMOVUPS D, 192(p)

// func scores1x32AVX512(s, q, k *float32, d, blockLen int)
TEXT ·scores1x32AVX512(SB), NOSPLIT, $0-40
	SCORES_ARGS
	ZERO2(Z16, Z17)
loop:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	SCORES32(R8, Z2, Z16, Z17)
	SCORES_NEXT
	VMOVUPS Z16, (DI)
	VMOVUPS Z17, 64(DI)
	VZEROUPPER
	RET

// func scores2x32AVX512(s, q, k *float32, d, blockLen int)
TEXT ·scores2x32AVX512(SB), NOSPLIT, $0-40
	SCORES_ARGS
	ZERO2(Z16, Z17)
	ZERO2(Z18, Z19)
loop:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	SCORES32(R8, Z2, Z16, Z17)
	SCORES32(R9, Z3, Z18, Z19)
	SCORES_NEXT
	VMOVUPS Z16, (DI)
	VMOVUPS Z17, 64(DI)
	VMOVUPS Z18, CHUNK(DI)
	VMOVUPS Z19, (CHUNK+64)(DI)
	VZEROUPPER
	RET

// func scores3x32AVX512(s, q, k *float32, d, blockLen int)
TEXT ·scores3x32AVX512(SB), NOSPLIT, $0-40
	SCORES_ARGS
	ZERO2(Z16, Z17)
	ZERO2(Z18, Z19)
	ZERO2(Z20, Z21)
loop:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	SCORES32(R8, Z2, Z16, Z17)
	SCORES32(R9, Z3, Z18, Z19)
	SCORES32(R10, Z4, Z20, Z21)
	SCORES_NEXT
	VMOVUPS Z16, (DI)
	VMOVUPS Z17, 64(DI)
	VMOVUPS Z18, CHUNK(DI)
	VMOVUPS Z19, (CHUNK+64)(DI)
	VMOVUPS Z20, (2*CHUNK)(DI)
	VMOVUPS Z21, (2*CHUNK+64)(DI)
	VZEROUPPER
	RET

// func scores4x32AVX512(s, q, k *float32, d, blockLen int)
TEXT ·scores4x32AVX512(SB), NOSPLIT, $0-40
	SCORES_ARGS
	ZERO2(Z16, Z17)
	ZERO2(Z18, Z19)
	ZERO2(Z20, Z21)
	ZERO2(Z22, Z23)
loop:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	SCORES32(R8, Z2, Z16, Z17)
	SCORES32(R9, Z3, Z18, Z19)
	SCORES32(R10, Z4, Z20, Z21)
	SCORES32(R11, Z5, Z22, Z23)
	SCORES_NEXT
	VMOVUPS Z16, (DI)
	VMOVUPS Z17, 64(DI)
	VMOVUPS Z18, CHUNK(DI)
	VMOVUPS Z19, (CHUNK+64)(DI)
	VMOVUPS Z20, (2*CHUNK)(DI)
	VMOVUPS Z21, (2*CHUNK+64)(DI)
	VMOVUPS Z22, (3*CHUNK)(DI)
	VMOVUPS Z23, (3*CHUNK+64)(DI)
	VZEROUPPER
	RET

// func values1x64AVX512(a, p, v *float32, d, lo, hi int)
TEXT ·values1x64AVX512(SB), NOSPLIT, $0-48
	VALUES_ARGS
	LOAD64(DI, Z16, Z17, Z18, Z19)
loop:
	VALUES_ROW64
	VALUES64(R8, Z4, Z16, Z17, Z18, Z19)
	VALUES_NEXT
	STORE64(DI, Z16, Z17, Z18, Z19)
	VZEROUPPER
	RET

// func values2x64AVX512(a, p, v *float32, d, lo, hi int)
TEXT ·values2x64AVX512(SB), NOSPLIT, $0-48
	VALUES_ARGS
	LOAD64(DI, Z16, Z17, Z18, Z19)
	LOAD64(R12, Z20, Z21, Z22, Z23)
loop:
	VALUES_ROW64
	VALUES64(R8, Z4, Z16, Z17, Z18, Z19)
	VALUES64(R9, Z5, Z20, Z21, Z22, Z23)
	VALUES_NEXT
	STORE64(DI, Z16, Z17, Z18, Z19)
	STORE64(R12, Z20, Z21, Z22, Z23)
	VZEROUPPER
	RET

// func values3x64AVX512(a, p, v *float32, d, lo, hi int)
TEXT ·values3x64AVX512(SB), NOSPLIT, $0-48
	VALUES_ARGS
	LOAD64(DI, Z16, Z17, Z18, Z19)
	LOAD64(R12, Z20, Z21, Z22, Z23)
	LOAD64(R13, Z24, Z25, Z26, Z27)
loop:
	VALUES_ROW64
	VALUES64(R8, Z4, Z16, Z17, Z18, Z19)
	VALUES64(R9, Z5, Z20, Z21, Z22, Z23)
	VALUES64(R10, Z6, Z24, Z25, Z26, Z27)
	VALUES_NEXT
	STORE64(DI, Z16, Z17, Z18, Z19)
	STORE64(R12, Z20, Z21, Z22, Z23)
	STORE64(R13, Z24, Z25, Z26, Z27)
	VZEROUPPER
	RET

// func values4x64AVX512(a, p, v *float32, d, lo, hi int)
TEXT ·values4x64AVX512(SB), NOSPLIT, $0-48
	VALUES_ARGS
	LOAD64(DI, Z16, Z17, Z18, Z19)
	LOAD64(R12, Z20, Z21, Z22, Z23)
	LOAD64(R13, Z24, Z25, Z26, Z27)
	LOAD64(BX, Z28, Z29, Z30, Z31)
loop:
	VALUES_ROW64
	VALUES64(R8, Z4, Z16, Z17, Z18, Z19)
	VALUES64(R9, Z5, Z20, Z21, Z22, Z23)
	VALUES64(R10, Z6, Z24, Z25, Z26, Z27)
	VALUES64(R11, Z7, Z28, Z29, Z30, Z31)
	VALUES_NEXT
	STORE64(DI, Z16, Z17, Z18, Z19)
	STORE64(R12, Z20, Z21, Z22, Z23)
	STORE64(R13, Z24, Z25, Z26, Z27)
	STORE64(BX, Z28, Z29, Z30, Z31)
	VZEROUPPER
	RET
