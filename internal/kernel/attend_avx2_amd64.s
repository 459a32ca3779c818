//go:build !purego

#include "textflag.h"

// Attention for AVX2, with keys and values as they are stored: F32, F16 or BF16. Rows of
// scores and weights are chunkLen numbers apart.

#define CHUNK 512 // bytes

// Eight stored numbers.
#define F32AT(p, Y) VMOVUPS p, Y
#define F16AT(p, Y) VCVTPH2PS p, Y
#define BF16AT(p, Y) VPMOVZXWD p, Y; VPSLLD $16, Y, Y

// What is read next is asked for meanwhile, as many lines as are read now, and of four places in
// turn, see readAhead. Blocks that were decoded to F32 first are read many times, by other
// queries: nothing is asked for then.
#define ASK(P) PREFETCHT0 (P); ADDQ $64, P
#define NONE(P)
#define PLACES(next, A, B, C, D) MOVQ next, AX; MOVQ (AX), A; MOVQ 8(AX), B; MOVQ 16(AX), C; MOVQ 24(AX), D
#define PLACED(next, A, B, C, D) MOVQ next, AX; MOVQ A, (AX); MOVQ B, 8(AX); MOVQ C, 16(AX); MOVQ D, 24(AX)
#define NOWHERE(next, A, B, C, D)

// Scores of 1 to 4 queries with 16 keys, whose numbers lie side by side.
//
//	R8–R11   queries;  AX  number in them;  CX  numbers in all
//	SI       keys, row AX;  DX  bytes of a row
//	BX R12 R13 R14  what is read next
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

// ROWS goes through rows AX to CX of keys or values, size bytes apart: eight at a time, which are
// four lines of what is stored in 16 bits, and for which the count is kept eight less, then the rest.
#define ROW(AT, half, size, QUERIESN) \
	AT((SI), Y0) \
	AT(half(SI), Y1) \
	QUERIESN \
	ADDQ size, SI \
	INCQ AX
#define ROWS2(AT, half, size, QUERIESN) ROW(AT, half, size, QUERIESN); ROW(AT, half, size, QUERIESN)
#define ROWS(AT, half, size, NEXT, P0, P1, P2, P3, QUERIESN) \
	SUBQ $8, CX \
	CMPQ AX, CX \
	JGT rest \
eight: \
	NEXT(P0) \
	ROWS2(AT, half, size, QUERIESN) \
	NEXT(P1) \
	ROWS2(AT, half, size, QUERIESN) \
	NEXT(P2) \
	ROWS2(AT, half, size, QUERIESN) \
	NEXT(P3) \
	ROWS2(AT, half, size, QUERIESN) \
	CMPQ AX, CX \
	JLE eight \
rest: \
	ADDQ $8, CX \
	JMP check \
one: \
	ROW(AT, half, size, QUERIESN) \
check: \
	CMPQ AX, CX \
	JLT one

#define SCORES(AT, shift, half, NEXT, BEFORE, AFTER, ZERON, QUERIESN, PUTN) \
	MOVQ s+0(FP), DI \
	MOVQ q+8(FP), R8 \
	MOVQ k+16(FP), SI \
	MOVQ d+24(FP), CX \
	MOVQ blockLen+32(FP), DX \
	SHLQ $shift, DX \
	LEAQ (R8)(CX*4), R9 \
	LEAQ (R9)(CX*4), R10 \
	LEAQ (R10)(CX*4), R11 \
	BEFORE(next+40(FP), BX, R12, R13, R14) \
	XORL AX, AX \
	ZERON \
	ROWS(AT, half, DX, NEXT, BX, R12, R13, R14, QUERIESN) \
	PUTN \
	AFTER(next+40(FP), BX, R12, R13, R14) \
	VZEROUPPER \
	RET

// Weighted values of 1 to 4 queries, 16 numbers of each head, added to what is
// there.
//
//	DI       results;  DX BX  bytes of a row of them, and of three
//	R8       weights;  AX  row of values;  CX  the row to stop at
//	SI       values, row AX;  R14  bytes of a row
//	R9–R12   what is read next
//	Y0 Y1    values;  Y2–Y5  the weight of each query
//	Y8–Y15   results, two registers a query
#define LOAD1 VMOVUPS (DI), Y8; VMOVUPS 32(DI), Y9
#define LOAD2 LOAD1; VMOVUPS (DI)(DX*1), Y10; VMOVUPS 32(DI)(DX*1), Y11
#define LOAD3 LOAD2; VMOVUPS (DI)(DX*2), Y12; VMOVUPS 32(DI)(DX*2), Y13
#define LOAD4 LOAD3; VMOVUPS (DI)(BX*1), Y14; VMOVUPS 32(DI)(BX*1), Y15

#define STORE1 VMOVUPS Y8, (DI); VMOVUPS Y9, 32(DI)
#define STORE2 STORE1; VMOVUPS Y10, (DI)(DX*1); VMOVUPS Y11, 32(DI)(DX*1)
#define STORE3 STORE2; VMOVUPS Y12, (DI)(DX*2); VMOVUPS Y13, 32(DI)(DX*2)
#define STORE4 STORE3; VMOVUPS Y14, (DI)(BX*1); VMOVUPS Y15, 32(DI)(BX*1)

#define WEIGHT(at, P, A, B) \
	VBROADCASTSS (at)(R8)(AX*4), P \
	VFMADD231PS Y0, P, A \
	VFMADD231PS Y1, P, B

#define WEIGHTS1 WEIGHT(0, Y2, Y8, Y9)
#define WEIGHTS2 WEIGHTS1; WEIGHT(CHUNK, Y3, Y10, Y11)
#define WEIGHTS3 WEIGHTS2; WEIGHT(2*CHUNK, Y4, Y12, Y13)
#define WEIGHTS4 WEIGHTS3; WEIGHT(3*CHUNK, Y5, Y14, Y15)

#define VALUES(AT, shift, half, NEXT, BEFORE, AFTER, LOADN, WEIGHTSN, STOREN) \
	MOVQ a+0(FP), DI \
	MOVQ p+8(FP), R8 \
	MOVQ v+16(FP), SI \
	MOVQ d+24(FP), DX \
	BEFORE(next+48(FP), R9, R10, R11, R12) \
	MOVQ lo+32(FP), AX \
	MOVQ hi+40(FP), CX \
	MOVQ DX, R14 \
	SHLQ $2, DX \
	SHLQ $shift, R14 \
	LEAQ (DX)(DX*2), BX \
	MOVQ R14, R13 \
	IMULQ AX, R13 \
	ADDQ R13, SI \
	LOADN \
	ROWS(AT, half, R14, NEXT, R9, R10, R11, R12, WEIGHTSN) \
	STOREN \
	AFTER(next+48(FP), R9, R10, R11, R12) \
	VZEROUPPER \
	RET

#define F32SCORES(ZERON, QUERIESN, PUTN) SCORES(F32AT, 2, 32, NONE, NOWHERE, NOWHERE, ZERON, QUERIESN, PUTN)
#define F16SCORES(ZERON, QUERIESN, PUTN) SCORES(F16AT, 1, 16, ASK, PLACES, PLACED, ZERON, QUERIESN, PUTN)
#define BF16SCORES(ZERON, QUERIESN, PUTN) SCORES(BF16AT, 1, 16, ASK, PLACES, PLACED, ZERON, QUERIESN, PUTN)
#define F32VALUES(LOADN, WEIGHTSN, STOREN) VALUES(F32AT, 2, 32, NONE, NOWHERE, NOWHERE, LOADN, WEIGHTSN, STOREN)
#define F16VALUES(LOADN, WEIGHTSN, STOREN) VALUES(F16AT, 1, 16, ASK, PLACES, PLACED, LOADN, WEIGHTSN, STOREN)
#define BF16VALUES(LOADN, WEIGHTSN, STOREN) VALUES(BF16AT, 1, 16, ASK, PLACES, PLACED, LOADN, WEIGHTSN, STOREN)

TEXT ·scoresF32x1AVX2(SB), NOSPLIT, $0-48
	F32SCORES(ZERO1, QUERIES1, PUT1)

TEXT ·scoresF32x2AVX2(SB), NOSPLIT, $0-48
	F32SCORES(ZERO2, QUERIES2, PUT2)

TEXT ·scoresF32x3AVX2(SB), NOSPLIT, $0-48
	F32SCORES(ZERO3, QUERIES3, PUT3)

TEXT ·scoresF32x4AVX2(SB), NOSPLIT, $0-48
	F32SCORES(ZERO4, QUERIES4, PUT4)

TEXT ·valuesF32x1AVX2(SB), NOSPLIT, $0-56
	F32VALUES(LOAD1, WEIGHTS1, STORE1)

TEXT ·valuesF32x2AVX2(SB), NOSPLIT, $0-56
	F32VALUES(LOAD2, WEIGHTS2, STORE2)

TEXT ·valuesF32x3AVX2(SB), NOSPLIT, $0-56
	F32VALUES(LOAD3, WEIGHTS3, STORE3)

TEXT ·valuesF32x4AVX2(SB), NOSPLIT, $0-56
	F32VALUES(LOAD4, WEIGHTS4, STORE4)

TEXT ·scoresF16x1AVX2(SB), NOSPLIT, $0-48
	F16SCORES(ZERO1, QUERIES1, PUT1)

TEXT ·scoresF16x2AVX2(SB), NOSPLIT, $0-48
	F16SCORES(ZERO2, QUERIES2, PUT2)

TEXT ·scoresF16x3AVX2(SB), NOSPLIT, $0-48
	F16SCORES(ZERO3, QUERIES3, PUT3)

TEXT ·scoresF16x4AVX2(SB), NOSPLIT, $0-48
	F16SCORES(ZERO4, QUERIES4, PUT4)

TEXT ·valuesF16x1AVX2(SB), NOSPLIT, $0-56
	F16VALUES(LOAD1, WEIGHTS1, STORE1)

TEXT ·valuesF16x2AVX2(SB), NOSPLIT, $0-56
	F16VALUES(LOAD2, WEIGHTS2, STORE2)

TEXT ·valuesF16x3AVX2(SB), NOSPLIT, $0-56
	F16VALUES(LOAD3, WEIGHTS3, STORE3)

TEXT ·valuesF16x4AVX2(SB), NOSPLIT, $0-56
	F16VALUES(LOAD4, WEIGHTS4, STORE4)

TEXT ·scoresBF16x1AVX2(SB), NOSPLIT, $0-48
	BF16SCORES(ZERO1, QUERIES1, PUT1)

TEXT ·scoresBF16x2AVX2(SB), NOSPLIT, $0-48
	BF16SCORES(ZERO2, QUERIES2, PUT2)

TEXT ·scoresBF16x3AVX2(SB), NOSPLIT, $0-48
	BF16SCORES(ZERO3, QUERIES3, PUT3)

TEXT ·scoresBF16x4AVX2(SB), NOSPLIT, $0-48
	BF16SCORES(ZERO4, QUERIES4, PUT4)

TEXT ·valuesBF16x1AVX2(SB), NOSPLIT, $0-56
	BF16VALUES(LOAD1, WEIGHTS1, STORE1)

TEXT ·valuesBF16x2AVX2(SB), NOSPLIT, $0-56
	BF16VALUES(LOAD2, WEIGHTS2, STORE2)

TEXT ·valuesBF16x3AVX2(SB), NOSPLIT, $0-56
	BF16VALUES(LOAD3, WEIGHTS3, STORE3)

TEXT ·valuesBF16x4AVX2(SB), NOSPLIT, $0-56
	BF16VALUES(LOAD4, WEIGHTS4, STORE4)
