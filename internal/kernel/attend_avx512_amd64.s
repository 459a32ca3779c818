//go:build !purego

#include "textflag.h"

// Attention for AVX-512, with keys and values as they are stored: F32, F16 or
// BF16. Rows of scores and weights are chunkLen numbers apart.

#define CHUNK 512 // bytes

// Sixteen stored numbers.
#define F32AT(p, Z) VMOVUPS p, Z
#define F16AT(p, Z) VCVTPH2PS p, Z
#define BF16AT(p, Z) VPMOVZXWD p, Z; VPSLLD $16, Z, Z

// What is read next is asked for meanwhile, as many lines as are read now, and of four
// places in turn, see readAhead: R14 is one pair of them, and the other after TURN.
// Blocks that were decoded to F32 first are read many times, by other queries: no line is
// asked for then.
#define AHEAD(at) MOVQ at(R14), R15; PREFETCHT1 (R15); ADDQ $64, at(R14)
#define ONE AHEAD(0)
#define OTHER AHEAD(8); XORQ $16, R14
#define BOTH AHEAD(0); OTHER
#define NONE

// Scores of 1 to 4 queries with 32 keys, whose numbers lie side by side.
//
//	R14 R15  what is read next
//	R8–R11   queries;  AX  number in them;  CX  numbers in all
//	SI       keys, row AX;  DX  bytes of a row
//	Z0 Z1    keys;  Z2–Z5  the number of each query
//	Z16–Z23  scores, two registers a query
#define ZERO(A, B) VPXORD A, A, A; VPXORD B, B, B
#define ZERO1 ZERO(Z16, Z17)
#define ZERO2 ZERO1; ZERO(Z18, Z19)
#define ZERO3 ZERO2; ZERO(Z20, Z21)
#define ZERO4 ZERO3; ZERO(Z22, Z23)

#define QUERY(q, Q, A, B) \
	VBROADCASTSS (q)(AX*4), Q \
	VFMADD231PS Z0, Q, A \
	VFMADD231PS Z1, Q, B

#define QUERIES1 QUERY(R8, Z2, Z16, Z17)
#define QUERIES2 QUERIES1; QUERY(R9, Z3, Z18, Z19)
#define QUERIES3 QUERIES2; QUERY(R10, Z4, Z20, Z21)
#define QUERIES4 QUERIES3; QUERY(R11, Z5, Z22, Z23)

#define PUT(at, A, B) VMOVUPS A, at(DI); VMOVUPS B, (at+64)(DI)
#define PUT1 PUT(0, Z16, Z17)
#define PUT2 PUT1; PUT(CHUNK, Z18, Z19)
#define PUT3 PUT2; PUT(2*CHUNK, Z20, Z21)
#define PUT4 PUT3; PUT(3*CHUNK, Z22, Z23)

#define SCORES(AT, shift, half, NEXT, AFTER, ZERON, QUERIESN, PUTN) \
	MOVQ s+0(FP), DI \
	MOVQ q+8(FP), R8 \
	MOVQ k+16(FP), SI \
	MOVQ d+24(FP), CX \
	MOVQ blockLen+32(FP), DX \
	MOVQ next+40(FP), R14 \
	SHLQ $shift, DX \
	LEAQ (R8)(CX*4), R9 \
	LEAQ (R9)(CX*4), R10 \
	LEAQ (R10)(CX*4), R11 \
	XORL AX, AX \
	ZERON \
loop: \
	AT((SI), Z0) \
	AT(half(SI), Z1) \
	NEXT \
	QUERIESN \
	ADDQ DX, SI \
	INCQ AX \
	CMPQ AX, CX \
	JGE done \
	AT((SI), Z0) \
	AT(half(SI), Z1) \
	AFTER \
	QUERIESN \
	ADDQ DX, SI \
	INCQ AX \
	CMPQ AX, CX \
	JLT loop \
done: \
	PUTN \
	VZEROUPPER \
	RET

// Scores of 8 queries with 32 keys that were decoded: twice as many sums at a time as of 4,
// which have to wait for each other.
//
//	R8–R13 BX R15  queries;  Z2–Z9  the number of each;  Z16–Z31  scores
//	AX CX SI DX Z0 Z1  as above
#define QUERIES8 \
	QUERIES4 \
	QUERY(R12, Z6, Z24, Z25) \
	QUERY(R13, Z7, Z26, Z27) \
	QUERY(BX, Z8, Z28, Z29) \
	QUERY(R15, Z9, Z30, Z31)

// Weighted values of 1 to 4 queries, 64 numbers of each head, added to what is
// there.
//
//	DI R12 R13 BX   results;  R14 R15  what is read next
//	R8–R11   weights;  AX  row of values;  CX  the row to stop at
//	SI       values, row AX;  DX  bytes of a row
//	Z0–Z3    values;  Z4–Z7  the weight of each query
//	Z16–Z31  results, four registers a query
#define WEIGHT(p, P, A, B, C, D) \
	VBROADCASTSS (p)(AX*4), P \
	VFMADD231PS Z0, P, A \
	VFMADD231PS Z1, P, B \
	VFMADD231PS Z2, P, C \
	VFMADD231PS Z3, P, D

#define WEIGHTS1 WEIGHT(R8, Z4, Z16, Z17, Z18, Z19)
#define WEIGHTS2 WEIGHTS1; WEIGHT(R9, Z5, Z20, Z21, Z22, Z23)
#define WEIGHTS3 WEIGHTS2; WEIGHT(R10, Z6, Z24, Z25, Z26, Z27)
#define WEIGHTS4 WEIGHTS3; WEIGHT(R11, Z7, Z28, Z29, Z30, Z31)

#define LOAD(p, A, B, C, D) VMOVUPS (p), A; VMOVUPS 64(p), B; VMOVUPS 128(p), C; VMOVUPS 192(p), D
#define LOAD1 LOAD(DI, Z16, Z17, Z18, Z19)
#define LOAD2 LOAD1; LOAD(R12, Z20, Z21, Z22, Z23)
#define LOAD3 LOAD2; LOAD(R13, Z24, Z25, Z26, Z27)
#define LOAD4 LOAD3; LOAD(BX, Z28, Z29, Z30, Z31)

#define STORE(p, A, B, C, D) VMOVUPS A, (p); VMOVUPS B, 64(p); VMOVUPS C, 128(p); VMOVUPS D, 192(p)
#define STORE1 STORE(DI, Z16, Z17, Z18, Z19)
#define STORE2 STORE1; STORE(R12, Z20, Z21, Z22, Z23)
#define STORE3 STORE2; STORE(R13, Z24, Z25, Z26, Z27)
#define STORE4 STORE3; STORE(BX, Z28, Z29, Z30, Z31)

#define VALUES(AT, shift, half, NEXT, LOADN, WEIGHTSN, STOREN) \
	MOVQ a+0(FP), DI \
	MOVQ p+8(FP), R8 \
	MOVQ v+16(FP), SI \
	MOVQ d+24(FP), DX \
	MOVQ lo+32(FP), AX \
	MOVQ hi+40(FP), CX \
	MOVQ next+48(FP), R14 \
	LEAQ (DI)(DX*4), R12 \
	LEAQ (R12)(DX*4), R13 \
	LEAQ (R13)(DX*4), BX \
	SHLQ $shift, DX \
	MOVQ DX, R9 \
	IMULQ AX, R9 \
	ADDQ R9, SI \
	LEAQ CHUNK(R8), R9 \
	LEAQ (2*CHUNK)(R8), R10 \
	LEAQ (3*CHUNK)(R8), R11 \
	LOADN \
loop: \
	AT((SI), Z0) \
	AT(half(SI), Z1) \
	AT((2*half)(SI), Z2) \
	AT((3*half)(SI), Z3) \
	NEXT \
	WEIGHTSN \
	ADDQ DX, SI \
	INCQ AX \
	CMPQ AX, CX \
	JLT loop \
	STOREN \
	VZEROUPPER \
	RET

TEXT ·scoresF32x1AVX512(SB), NOSPLIT, $0-48
	SCORES(F32AT, 2, 64, NONE, NONE, ZERO1, QUERIES1, PUT1)

TEXT ·scoresF32x2AVX512(SB), NOSPLIT, $0-48
	SCORES(F32AT, 2, 64, NONE, NONE, ZERO2, QUERIES2, PUT2)

TEXT ·scoresF32x3AVX512(SB), NOSPLIT, $0-48
	SCORES(F32AT, 2, 64, NONE, NONE, ZERO3, QUERIES3, PUT3)

TEXT ·scoresF32x4AVX512(SB), NOSPLIT, $0-48
	SCORES(F32AT, 2, 64, NONE, NONE, ZERO4, QUERIES4, PUT4)

// func scoresF32x8AVX512(s, q *float32, k *byte, d, blockLen int)
TEXT ·scoresF32x8AVX512(SB), NOSPLIT, $0-40
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), SI
	MOVQ d+24(FP), CX
	MOVQ blockLen+32(FP), DX
	SHLQ $2, DX
	LEAQ (R8)(CX*4), R9
	LEAQ (R9)(CX*4), R10
	LEAQ (R10)(CX*4), R11
	LEAQ (R11)(CX*4), R12
	LEAQ (R12)(CX*4), R13
	LEAQ (R13)(CX*4), BX
	LEAQ (BX)(CX*4), R15
	XORL AX, AX
	ZERO4
	ZERO(Z24, Z25)
	ZERO(Z26, Z27)
	ZERO(Z28, Z29)
	ZERO(Z30, Z31)
loop:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	QUERIES8
	ADDQ DX, SI
	INCQ AX
	CMPQ AX, CX
	JLT loop
	MOVQ s+0(FP), DI
	PUT4
	PUT(4*CHUNK, Z24, Z25)
	PUT(5*CHUNK, Z26, Z27)
	PUT(6*CHUNK, Z28, Z29)
	PUT(7*CHUNK, Z30, Z31)
	VZEROUPPER
	RET

TEXT ·scoresF16x1AVX512(SB), NOSPLIT, $0-48
	SCORES(F16AT, 1, 32, ONE, OTHER, ZERO1, QUERIES1, PUT1)

TEXT ·scoresF16x2AVX512(SB), NOSPLIT, $0-48
	SCORES(F16AT, 1, 32, ONE, OTHER, ZERO2, QUERIES2, PUT2)

TEXT ·scoresF16x3AVX512(SB), NOSPLIT, $0-48
	SCORES(F16AT, 1, 32, ONE, OTHER, ZERO3, QUERIES3, PUT3)

TEXT ·scoresF16x4AVX512(SB), NOSPLIT, $0-48
	SCORES(F16AT, 1, 32, ONE, OTHER, ZERO4, QUERIES4, PUT4)

TEXT ·scoresBF16x1AVX512(SB), NOSPLIT, $0-48
	SCORES(BF16AT, 1, 32, ONE, OTHER, ZERO1, QUERIES1, PUT1)

TEXT ·scoresBF16x2AVX512(SB), NOSPLIT, $0-48
	SCORES(BF16AT, 1, 32, ONE, OTHER, ZERO2, QUERIES2, PUT2)

TEXT ·scoresBF16x3AVX512(SB), NOSPLIT, $0-48
	SCORES(BF16AT, 1, 32, ONE, OTHER, ZERO3, QUERIES3, PUT3)

TEXT ·scoresBF16x4AVX512(SB), NOSPLIT, $0-48
	SCORES(BF16AT, 1, 32, ONE, OTHER, ZERO4, QUERIES4, PUT4)

TEXT ·valuesF32x1AVX512(SB), NOSPLIT, $0-56
	VALUES(F32AT, 2, 64, NONE, LOAD1, WEIGHTS1, STORE1)

TEXT ·valuesF32x2AVX512(SB), NOSPLIT, $0-56
	VALUES(F32AT, 2, 64, NONE, LOAD2, WEIGHTS2, STORE2)

TEXT ·valuesF32x3AVX512(SB), NOSPLIT, $0-56
	VALUES(F32AT, 2, 64, NONE, LOAD3, WEIGHTS3, STORE3)

TEXT ·valuesF32x4AVX512(SB), NOSPLIT, $0-56
	VALUES(F32AT, 2, 64, NONE, LOAD4, WEIGHTS4, STORE4)

TEXT ·valuesF16x1AVX512(SB), NOSPLIT, $0-56
	VALUES(F16AT, 1, 32, BOTH, LOAD1, WEIGHTS1, STORE1)

TEXT ·valuesF16x2AVX512(SB), NOSPLIT, $0-56
	VALUES(F16AT, 1, 32, BOTH, LOAD2, WEIGHTS2, STORE2)

TEXT ·valuesF16x3AVX512(SB), NOSPLIT, $0-56
	VALUES(F16AT, 1, 32, BOTH, LOAD3, WEIGHTS3, STORE3)

TEXT ·valuesF16x4AVX512(SB), NOSPLIT, $0-56
	VALUES(F16AT, 1, 32, BOTH, LOAD4, WEIGHTS4, STORE4)

TEXT ·valuesBF16x1AVX512(SB), NOSPLIT, $0-56
	VALUES(BF16AT, 1, 32, BOTH, LOAD1, WEIGHTS1, STORE1)

TEXT ·valuesBF16x2AVX512(SB), NOSPLIT, $0-56
	VALUES(BF16AT, 1, 32, BOTH, LOAD2, WEIGHTS2, STORE2)

TEXT ·valuesBF16x3AVX512(SB), NOSPLIT, $0-56
	VALUES(BF16AT, 1, 32, BOTH, LOAD3, WEIGHTS3, STORE3)

TEXT ·valuesBF16x4AVX512(SB), NOSPLIT, $0-56
	VALUES(BF16AT, 1, 32, BOTH, LOAD4, WEIGHTS4, STORE4)
