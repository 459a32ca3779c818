//go:build !purego

#include "textflag.h"

// Attention for AVX2. Rows of scores and weights are chunkLen numbers apart.

#define CHUNK 512 // bytes

// Scores of 1 to 4 queries with 16 keys, whose numbers lie side by side.
//
//	R8–R11   queries;  AX  number in them;  CX  numbers in all
//	SI       keys, row AX;  DX  bytes of a row
//	Y0 Y1    keys;  Y2–Y5  the number of each query
//	Y8–Y15   scores, two registers a query
#define ZERO(A, B) VXORPS A, A, A; VXORPS B, B, B
#define ZERO1 ZERO(Y8, Y9)
#define ZERO2 ZERO1; ZERO(Y10, Y11)
#define ZERO3 ZERO2; ZERO(Y12, Y13)
#define ZERO4 ZERO3; ZERO(Y14, Y15)

#define QUERY(q, Q, A, B) \
	VBROADCASTSS (q)(AX*4), Q \
	VFMADD231PS Y0, Q, A \
	VFMADD231PS Y1, Q, B

#define QUERIES1 QUERY(R8, Y2, Y8, Y9)
#define QUERIES2 QUERIES1; QUERY(R9, Y3, Y10, Y11)
#define QUERIES3 QUERIES2; QUERY(R10, Y4, Y12, Y13)
#define QUERIES4 QUERIES3; QUERY(R11, Y5, Y14, Y15)

#define PUT(at, A, B) VMOVUPS A, at(DI); VMOVUPS B, (at+32)(DI)
#define PUT1 PUT(0, Y8, Y9)
#define PUT2 PUT1; PUT(CHUNK, Y10, Y11)
#define PUT3 PUT2; PUT(2*CHUNK, Y12, Y13)
#define PUT4 PUT3; PUT(3*CHUNK, Y14, Y15)

#define SCORES(ZERON, QUERIESN, PUTN) \
	MOVQ s+0(FP), DI \
	MOVQ q+8(FP), R8 \
	MOVQ k+16(FP), SI \
	MOVQ d+24(FP), CX \
	MOVQ blockLen+32(FP), DX \
	SHLQ $2, DX \
	LEAQ (R8)(CX*4), R9 \
	LEAQ (R9)(CX*4), R10 \
	LEAQ (R10)(CX*4), R11 \
	XORL AX, AX \
	ZERON \
loop: \
	VMOVUPS (SI), Y0 \
	VMOVUPS 32(SI), Y1 \
	QUERIESN \
	ADDQ DX, SI \
	INCQ AX \
	CMPQ AX, CX \
	JLT loop \
	PUTN \
	VZEROUPPER \
	RET

// Weighted values of 1 to 4 queries, 16 numbers of each head, added to what is
// there.
//
//	DI R12 R13 BX   results;  DX  bytes of a row of them, and of a row of values
//	R8–R11   weights;  AX  row of values;  CX  the row to stop at
//	SI       values, row AX
//	Y0 Y1    values;  Y2–Y5  the weight of each query
//	Y8–Y15   results, two registers a query
#define LOAD(p, A, B) VMOVUPS (p), A; VMOVUPS 32(p), B
#define LOAD1 LOAD(DI, Y8, Y9)
#define LOAD2 LOAD1; LOAD(R12, Y10, Y11)
#define LOAD3 LOAD2; LOAD(R13, Y12, Y13)
#define LOAD4 LOAD3; LOAD(BX, Y14, Y15)

#define STORE(p, A, B) VMOVUPS A, (p); VMOVUPS B, 32(p)
#define STORE1 STORE(DI, Y8, Y9)
#define STORE2 STORE1; STORE(R12, Y10, Y11)
#define STORE3 STORE2; STORE(R13, Y12, Y13)
#define STORE4 STORE3; STORE(BX, Y14, Y15)

#define VALUES(LOADN, WEIGHTSN, STOREN) \
	MOVQ a+0(FP), DI \
	MOVQ p+8(FP), R8 \
	MOVQ v+16(FP), SI \
	MOVQ d+24(FP), DX \
	MOVQ lo+32(FP), AX \
	MOVQ hi+40(FP), CX \
	SHLQ $2, DX \
	LEAQ (DI)(DX*1), R12 \
	LEAQ (R12)(DX*1), R13 \
	LEAQ (R13)(DX*1), BX \
	MOVQ DX, R9 \
	IMULQ AX, R9 \
	ADDQ R9, SI \
	LEAQ CHUNK(R8), R9 \
	LEAQ (2*CHUNK)(R8), R10 \
	LEAQ (3*CHUNK)(R8), R11 \
	LOADN \
loop: \
	LOAD(SI, Y0, Y1) \
	WEIGHTSN \
	ADDQ DX, SI \
	INCQ AX \
	CMPQ AX, CX \
	JLT loop \
	STOREN \
	VZEROUPPER \
	RET

TEXT ·scores1AVX2(SB), NOSPLIT, $0-40
	SCORES(ZERO1, QUERIES1, PUT1)

TEXT ·scores2AVX2(SB), NOSPLIT, $0-40
	SCORES(ZERO2, QUERIES2, PUT2)

TEXT ·scores3AVX2(SB), NOSPLIT, $0-40
	SCORES(ZERO3, QUERIES3, PUT3)

TEXT ·scores4AVX2(SB), NOSPLIT, $0-40
	SCORES(ZERO4, QUERIES4, PUT4)

TEXT ·values1AVX2(SB), NOSPLIT, $0-48
	VALUES(LOAD1, QUERIES1, STORE1)

TEXT ·values2AVX2(SB), NOSPLIT, $0-48
	VALUES(LOAD2, QUERIES2, STORE2)

TEXT ·values3AVX2(SB), NOSPLIT, $0-48
	VALUES(LOAD3, QUERIES3, STORE3)

TEXT ·values4AVX2(SB), NOSPLIT, $0-48
	VALUES(LOAD4, QUERIES4, STORE4)
