//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "exp_avx512_amd64.h"
#include "registers_avx512_amd64.h"

// Products of digits by vectors, of up to four queries, see attend_q16.go. Two tiles of keys, or two
// times sixteen dimensions of values, are taken at once: Z0 and Z2 are four dimensions or tokens of
// their high digits, Z1 and Z3 of the low ones. Of a query each has three sums, those of high digits,
// and of both kinds of a high and a low one, Z8 to Z13 those of the first query, and so on.
//
//	R15  t;  SI  digits of the queries or their weights
//	R12 R13 R14 DX  what is read next, see readAhead

#define CHUNK 512 // bytes from one row of scores to the next

#define ZERO3(A, B, C) \
	VPXORD A, A, A \
	VPXORD B, B, B \
	VPXORD C, C, C
#define ZEROS1 ZERO3(Z8, Z9, Z10); ZERO3(Z11, Z12, Z13)
#define ZEROS2 ZEROS1; ZERO3(Z14, Z15, Z16); ZERO3(Z17, Z18, Z19)
#define ZEROS3 ZEROS2; ZERO3(Z20, Z21, Z22); ZERO3(Z23, Z24, Z25)
#define ZEROS4 ZEROS3; ZERO3(Z26, Z27, Z28); ZERO3(Z29, Z30, Z31)

// Digits of a query have a sign, those of keys have none.
#define KEY3(HIGH, LOW, K, L, A, B, C) \
	VPDPBUSD HIGH, K, A \
	VPDPBUSD HIGH, L, B \
	VPDPBUSD LOW, K, C
#define KEYS(AT, HIGH, LOW, A, B, C, D, E, F) \
	VPBROADCASTD (AT)(SI)(AX*4), HIGH \
	VPBROADCASTD (AT+1024)(SI)(AX*4), LOW \
	KEY3(HIGH, LOW, Z0, Z1, A, B, C) \
	KEY3(HIGH, LOW, Z2, Z3, D, E, F)
#define KEYS1 KEYS(0, Z4, Z5, Z8, Z9, Z10, Z11, Z12, Z13)
#define KEYS2 KEYS1; KEYS(64, Z6, Z7, Z14, Z15, Z16, Z17, Z18, Z19)
#define KEYS3 KEYS2; KEYS(128, Z4, Z5, Z20, Z21, Z22, Z23, Z24, Z25)
#define KEYS4 KEYS3; KEYS(192, Z6, Z7, Z26, Z27, Z28, Z29, Z30, Z31)

// SUM is 256 A + B + C as float32.
#define SUM(A, B, C) \
	VPSLLD $8, A, A \
	VPADDD B, A, A \
	VPADDD C, A, A \
	VCVTDQ2PS A, A

#define SCORE(I, A, B, C, D, E, F) \
	VPBROADCASTD (4*I)(R9), Z3 \
	VPSUBD Z3, C, C \
	VPSUBD Z3, F, F \
	SUM(A, B, C) \
	SUM(D, E, F) \
	VMULPS Z0, A, A \
	VMULPS Z1, D, D \
	VMOVUPS A, (I*CHUNK)(DI) \
	VMOVUPS D, (I*CHUNK)(R11)
#define SCORES1 SCORE(0, Z8, Z9, Z10, Z11, Z12, Z13)
#define SCORES2 SCORES1; SCORE(1, Z14, Z15, Z16, Z17, Z18, Z19)
#define SCORES3 SCORES2; SCORE(2, Z20, Z21, Z22, Z23, Z24, Z25)
#define SCORES4 SCORES3; SCORE(3, Z26, Z27, Z28, Z29, Z30, Z31)

#define ENTER \
	MOVQ t+0(FP), R15 \
	MOVQ digitCall_ahead(R15), AX \
	MOVQ 0(AX), R12 \
	MOVQ 8(AX), R13 \
	MOVQ 16(AX), R14 \
	MOVQ 24(AX), DX
#define ASK \
	PREFETCHT1 (R12) \
	PREFETCHT1 (R13) \
	PREFETCHT1 (R14) \
	PREFETCHT1 (DX) \
	ADDQ $64, R12 \
	ADDQ $64, R13 \
	ADDQ $64, R14 \
	ADDQ $64, DX
#define LEAVE \
	MOVQ digitCall_ahead(R15), AX \
	MOVQ R12, 0(AX) \
	MOVQ R13, 8(AX) \
	MOVQ R14, 16(AX) \
	MOVQ DX, 24(AX) \
	VZEROUPPER \
	RET

// Scores with all keys.
//
//	R8  tile;  BX  the one after it, or itself;  R9 R10  their keys, of four dimensions
//	CX  parts left;  AX  four dimensions of the part;  DI  bytes from them to the next
//	DI R11  scores
#define ALL_SCORES(ZEROS, KEYS, SCORES) \
	ENTER \
	XORL R8, R8 \
tile: \
	LEAQ 1(R8), BX \
	CMPQ BX, digitCall_n(R15) \
	CMOVQGE R8, BX \
	MOVQ digitCall_tiles(R15)(R8*8), R9 \
	MOVQ digitCall_tiles(R15)(BX*8), R10 \
	MOVQ digitCall_left(R15), SI \
	MOVQ digitCall_parts(R15), CX \
	MOVQ digitCall_stride(R15), DI \
	ZEROS \
part: \
	XORL AX, AX \
dims: \
	VMOVDQU32 (R9), Z0 \
	VMOVDQU32 64(R9), Z1 \
	VMOVDQU32 (R10), Z2 \
	VMOVDQU32 64(R10), Z3 \
	ASK \
	KEYS \
	ADDQ DI, R9 \
	ADDQ DI, R10 \
	INCQ AX \
	CMPQ AX, $16 \
	JLT dims \
	ADDQ $2048, SI \
	DECQ CX \
	JNZ part \
	MOVQ digitCall_scales(R15)(R8*8), R9 \
	MOVQ digitCall_scales(R15)(BX*8), R10 \
	VMOVUPS (R9), Z0 \
	VMOVUPS (R10), Z1 \
	ASK \
	MOVQ digitCall_bias(R15), R9 \
	SHLQ $6, BX \
	MOVQ digitCall_out(R15), R11 \
	ADDQ BX, R11 \
	MOVQ R8, DI \
	SHLQ $6, DI \
	ADDQ digitCall_out(R15), DI \
	SCORES \
	ADDQ $2, R8 \
	CMPQ R8, digitCall_n(R15) \
	JLT tile \
	LEAVE

// func digitScores1AVX512(t *digitCall)
TEXT ·digitScores1AVX512(SB), NOSPLIT, $0-8
	ALL_SCORES(ZEROS1, KEYS1, SCORES1)

// func digitScores2AVX512(t *digitCall)
TEXT ·digitScores2AVX512(SB), NOSPLIT, $0-8
	ALL_SCORES(ZEROS2, KEYS2, SCORES2)

// func digitScores3AVX512(t *digitCall)
TEXT ·digitScores3AVX512(SB), NOSPLIT, $0-8
	ALL_SCORES(ZEROS3, KEYS3, SCORES3)

// func digitScores4AVX512(t *digitCall)
TEXT ·digitScores4AVX512(SB), NOSPLIT, $0-8
	ALL_SCORES(ZEROS4, KEYS4, SCORES4)

// Digits of weights have no sign, those of values have one. Rows of weights are AX bytes
// apart, those of their low digits begin R11 after the high ones.
#define VALUE3(HIGH, LOW, V, W, A, B, C) \
	VPDPBUSD V, HIGH, A \
	VPDPBUSD W, HIGH, B \
	VPDPBUSD V, LOW, C
#define VALUES(P, HIGH, LOW, A, B, C, D, E, F) \
	VPBROADCASTD (P), HIGH \
	VPBROADCASTD (P)(R11*1), LOW \
	VALUE3(HIGH, LOW, Z0, Z1, A, B, C) \
	VALUE3(HIGH, LOW, Z2, Z3, D, E, F)
#define VALUES1 VALUES(SI, Z4, Z5, Z8, Z9, Z10, Z11, Z12, Z13)
#define VALUES2 VALUES1; LEAQ (SI)(AX*1), BX; VALUES(BX, Z6, Z7, Z14, Z15, Z16, Z17, Z18, Z19)
#define VALUES3 VALUES2; ADDQ AX, BX; VALUES(BX, Z4, Z5, Z20, Z21, Z22, Z23, Z24, Z25)
#define VALUES4 VALUES3; ADDQ AX, BX; VALUES(BX, Z6, Z7, Z26, Z27, Z28, Z29, Z30, Z31)

#define RESULT(I, A, B, C, D, E, F) \
	SUM(A, B, C) \
	SUM(D, E, F) \
	VMULPS.BCST (4*I)(BX), A, A \
	VMULPS.BCST (4*I)(BX), D, D \
	VMOVUPS A, (DI) \
	VMOVUPS D, 64(DI)
#define RESULTS1 RESULT(0, Z8, Z9, Z10, Z11, Z12, Z13)
#define RESULTS2 RESULTS1; ADDQ R9, DI; RESULT(1, Z14, Z15, Z16, Z17, Z18, Z19)
#define RESULTS3 RESULTS2; ADDQ R9, DI; RESULT(2, Z20, Z21, Z22, Z23, Z24, Z25)
#define RESULTS4 RESULTS3; ADDQ R9, DI; RESULT(3, Z26, Z27, Z28, Z29, Z30, Z31)

// Results of all values.
//
//	AX  tokens of a tile;  R11  bytes from a weight's high digit to its low
//	R8  bytes to the dimensions;  parts  those left
//	R9  values of four tokens;  R10  for how many nothing is asked;  CX  tokens left;  BX  weights of other queries
//	tile  tiles done;  out  where results go
#define ALL_VALUES(ZEROS, VALUES, RESULTS) \
	ENTER \
	MOVQ digitCall_tokens(R15), AX \
	MOVQ AX, R11 \
	SHLQ $4, R11 \
	MOVQ digitCall_skip(R15), R10 \
	XORL R8, R8 \
	MOVQ digitCall_out(R15), CX \
	MOVQ CX, out-8(SP) \
	MOVQ digitCall_parts(R15), CX \
	MOVQ CX, parts-16(SP) \
dims: \
	MOVQ digitCall_left(R15), SI \
	MOVQ $0, tile-24(SP) \
	ZEROS \
tile: \
	MOVQ tile-24(SP), CX \
	MOVQ digitCall_tiles(R15)(CX*8), R9 \
	INCQ CX \
	MOVQ CX, tile-24(SP) \
	ADDQ R8, R9 \
	MOVQ AX, CX \
tokens: \
	VMOVDQU32 (R9), Z0 \
	VMOVDQU32 64(R9), Z1 \
	VMOVDQU32 128(R9), Z2 \
	VMOVDQU32 192(R9), Z3 \
	DECQ R10 \
	JGE skip \
	ASK \
skip: \
	VALUES \
	ADDQ $256, R9 \
	ADDQ $4, SI \
	SUBQ $4, CX \
	JNZ tokens \
	SUBQ AX, SI \
	LEAQ (SI)(R11*2), SI \
	MOVQ tile-24(SP), CX \
	CMPQ CX, digitCall_n(R15) \
	JLT tile \
	ASK \
	MOVQ out-8(SP), DI \
	ADDQ $128, out-8(SP) \
	MOVQ digitCall_row(R15), R9 \
	MOVQ digitCall_by(R15), BX \
	RESULTS \
	ADDQ digitCall_next(R15), R8 \
	SUBQ $2, parts-16(SP) \
	JNZ dims \
	LEAVE

// func digitValues1AVX512(t *digitCall)
TEXT ·digitValues1AVX512(SB), NOSPLIT, $24-8
	ALL_VALUES(ZEROS1, VALUES1, RESULTS1)

// func digitValues2AVX512(t *digitCall)
TEXT ·digitValues2AVX512(SB), NOSPLIT, $24-8
	ALL_VALUES(ZEROS2, VALUES2, RESULTS2)

// func digitValues3AVX512(t *digitCall)
TEXT ·digitValues3AVX512(SB), NOSPLIT, $24-8
	ALL_VALUES(ZEROS3, VALUES3, RESULTS3)

// func digitValues4AVX512(t *digitCall)
TEXT ·digitValues4AVX512(SB), NOSPLIT, $24-8
	ALL_VALUES(ZEROS4, VALUES4, RESULTS4)

DATA digitConst<>+0(SB)/4, $128
DATA digitConst<>+4(SB)/4, $0x46fe0000 // 127 * 256
DATA digitConst<>+8(SB)/4, $0x0d800000 // 2^-100
DATA digitConst<>+12(SB)/4, $0x7fffffff
GLOBL digitConst<>(SB), RODATA|NOPTR, $16

// TOP is the largest magnitude of sixteen numbers and those before, as integers.
#define TOP(AT, T) \
	VPANDD AT(SI), Z2, T \
	VPMAXUD T, Z0, Z0

// SPLIT makes digits of sixteen numbers.
#define SPLIT(AT, TO, T) \
	VMULPS AT(SI), Z1, T \
	VCVTPS2DQ T, T \
	VPMOVDB T, TO(R8) \
	VPADDD T, Z4, Z4 \
	VPADDD Z3, T, T \
	VPSRAD $8, T, T \
	VPMOVDB T, TO(DI) \
	VPADDD T, Z4, Z4

// func splitDigitsAVX512(high, low *int8, x *float32, n, next int) (top uint32, sum int32)
//
// n is a positive multiple of 64. What is multiplied with zero, be it an infinity, has zeros for digits; sums of
// those have no meaning.
TEXT ·splitDigitsAVX512(SB), NOSPLIT, $0-48
	MOVQ high+0(FP), DI
	MOVQ low+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	MOVQ next+32(FP), DX
	VPBROADCASTD digitConst<>+12(SB), Z2
	VPXORD Z0, Z0, Z0
top:
	TOP(0, Z4)
	TOP(64, Z5)
	TOP(128, Z6)
	TOP(192, Z7)
	ADDQ $256, SI
	SUBQ $64, CX
	JNZ  top
	ACROSS(VPMAXUD, Z0, Y0, X0, Y1, X1)
	VMOVD X0, AX
	MOVL AX, top+40(FP)
	VPXORD X1, X1, X1
	CMPL AX, $0x7f800000
	JCC  scaled
	CMPL AX, $0x0d800000
	JCS  scaled
	VMOVSS digitConst<>+4(SB), X1
	VDIVSS X0, X1, X1
scaled:
	VBROADCASTSS X1, Z1
	VPBROADCASTD digitConst<>+0(SB), Z3
	VPXORD Z4, Z4, Z4
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
split:
	SPLIT(0, 0, Z0)
	SPLIT(64, 16, Z5)
	SPLIT(128, 32, Z6)
	SPLIT(192, 48, Z7)
	ADDQ $256, SI
	ADDQ DX, DI
	ADDQ DX, R8
	SUBQ $64, CX
	JNZ  split
	ACROSS(VPADDD, Z4, Y4, X4, Y0, X0)
	VMOVD X4, AX
	MOVL AX, sum+44(FP)
	VZEROUPPER
	RET

// func putValueAVX512(to *byte, high, low *int8, n, next, at int)
//
// The digits of one token's value, n of them, a multiple of 32, become byte at of every four. Those of 32 numbers
// take 256 bytes, next bytes after the 32 before.
TEXT ·putValueAVX512(SB), NOSPLIT, $0-48
	MOVQ to+0(FP), DI
	MOVQ high+8(FP), SI
	MOVQ low+16(FP), R8
	MOVQ n+24(FP), CX
	MOVQ next+32(FP), DX
	MOVQ at+40(FP), AX
	MOVQ $0x1111111111111111, R9
	SHLXQ AX, R9, R9
	KMOVQ R9, K1
	SHLL $3, AX
	VMOVD AX, X4
put:
	VPMOVZXBD (SI), Z0
	VPMOVZXBD (R8), Z1
	VPMOVZXBD 16(SI), Z2
	VPMOVZXBD 16(R8), Z3
	VPSLLD X4, Z0, Z0
	VPSLLD X4, Z1, Z1
	VPSLLD X4, Z2, Z2
	VPSLLD X4, Z3, Z3
	VMOVDQU8 Z0, K1, (DI)
	VMOVDQU8 Z1, K1, 64(DI)
	VMOVDQU8 Z2, K1, 128(DI)
	VMOVDQU8 Z3, K1, 192(DI)
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ DX, DI
	SUBQ $32, CX
	JNZ  put
	VZEROUPPER
	RET

// Softmax of rows of scores, and digits of the weights times the scales of their values. Four rows take turns, as each
// waits for itself most of the time.
//
//	SI  c;  R13  rows done;  R11  their scores;  R12  their digits;  R10  bytes between rows of those
//	AX  byte of a row;  DI  of the masks;  CX  bytes that count
//	R14  what is read next, or 0
//	DX  scales of scores;  R9  scales of values;  BX  of sixteen of them
//	Z28–Z31  largest score;  Z8–Z11  sum;  Z12–Z15  largest weight
//	K1  numbers that count of sixteen

#define MASK(I) KMOVW (digitSoftmax_masks+16*I)(SI)(DI*1), K1

#define LARGEST(I, M) \
	VMOVUPS (512*I)(R11)(AX*1), Z0 \
	VMAXPS M, Z0, M
#define LARGEST_OF(I, M) \
	MASK(I) \
	VMOVAPS Z7, Z0 \
	VMOVUPS (512*I)(R11)(AX*1), K1, Z0 \
	VMAXPS M, Z0, M

// WEIGHT passes over a product that is no number as VMAXPS does: the scale of a value that is not
// seen may be none. What it makes are zeros in the end.
#define WEIGHT(I, M, L, TOP) \
	VMOVUPS (512*I)(R11)(AX*1), Z0 \
	VMULPS.BCST (4*I)(DX)(R13*4), Z0, Z0 \
	VSUBPS M, Z0, Z0 \
	EXPZ_DOWN(Z0, Z1, Z2, Z3) \
	SCALED(I, L, TOP)
#define WEIGHT_OF(I, M, L, TOP) \
	MASK(I) \
	VMOVUPS.Z (512*I)(R11)(AX*1), K1, Z0 \
	VMULPS.BCST (4*I)(DX)(R13*4), Z0, Z0 \
	VSUBPS.Z M, Z0, K1, Z0 \
	EXPZ_DOWN(Z0, Z1, Z2, Z3) \
	VMOVAPS.Z Z1, K1, Z1 \
	SCALED(I, L, TOP)
#define SCALED(I, L, TOP) \
	VADDPS Z1, L, L \
	VMULPS (BX), Z1, Z1 \
	VMAXPS TOP, Z1, TOP \
	VMOVUPS Z1, (digitSoftmax_weights+512*I)(SI)(AX*1)

// ASK_PLACES asks for a line of each of four places, if R14 says of which; see readAhead.
#define ASK_PLACE(AT) \
	MOVQ AT(R14), R8 \
	PREFETCHT1 (R8) \
	ADDQ $64, AT(R14)
#define ASK_PLACES(NONE) \
	TESTQ R14, R14 \
	JEQ NONE \
	ASK_PLACE(0) \
	ASK_PLACE(8) \
	ASK_PLACE(16) \
	ASK_PLACE(24) \
NONE:

// FINAL leaves the sum and the largest weight, and digitTop over that.
#define FINAL(I, L, YL, XL, TOP, YTOP, XTOP) \
	ACROSS(VADDPS, L, YL, XL, Y0, X0) \
	VMOVSS XL, (digitSoftmax_l+4*I)(SI)(R13*4) \
	ACROSS(VMAXPS, TOP, YTOP, XTOP, Y1, X1) \
	VMOVSS XTOP, (digitSoftmax_top+4*I)(SI)(R13*4) \
	VMAXSS digitConst<>+8(SB), XTOP, XTOP \
	VMOVSS digitConst<>+4(SB), X2 \
	VDIVSS XTOP, X2, X2 \
	VMOVSS X2, (digitSoftmax_by+4*I)(SI)

#define PUT(I) \
	VMOVUPS (digitSoftmax_weights+512*I)(SI)(AX*1), Z0 \
	VMULPS.BCST (digitSoftmax_by+4*I)(SI), Z0, Z0 \
	VCVTPS2DQ Z0, Z0 \
	VPMOVDB Z0, (BX)(R8*1) \
	VPSRLD $8, Z0, Z0 \
	VPMOVDB Z0, (BX)

#define PUT_ZERO \
	VMOVDQU X6, (BX)(R8*1) \
	VMOVDQU X6, (BX)

// func digitSoftmaxAVX512(c *digitSoftmax)
TEXT ·digitSoftmaxAVX512(SB), NOSPLIT, $0-8
	MOVQ c+0(FP), SI
	LEAQ digitSoftmax_p(SI), R11
	LEAQ digitSoftmax_w(SI), R12
	MOVQ digitSoftmax_scale(SI), DX
	MOVQ digitSoftmax_ahead(SI), R14
	MOVQ digitSoftmax_tokens(SI), R10
	MOVQ digitSoftmax_vectors(SI), CX
	SHLQ $6, CX
	XORL R13, R13
	EXPENTER
	VBROADCASTSS expConst<>+0(SB), Z7
	VPXORD Z6, Z6, Z6
rows:
	VMOVAPS Z7, Z28
	VMOVAPS Z7, Z29
	VMOVAPS Z7, Z30
	VMOVAPS Z7, Z31
	XORL AX, AX
	MOVQ R13, DI
	SHLQ $4, DI
	CMPQ digitSoftmax_whole(SI), $0
	JEQ  largestOf
largest:
	LARGEST(0, Z28)
	LARGEST(1, Z29)
	LARGEST(2, Z30)
	LARGEST(3, Z31)
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  largest
	JMP  scale
largestOf:
	LARGEST_OF(0, Z28)
	LARGEST_OF(1, Z29)
	LARGEST_OF(2, Z30)
	LARGEST_OF(3, Z31)
	ADDQ $64, AX
	ADDQ $2, DI
	CMPQ AX, CX
	JLT  largestOf
scale:
	VMOVAPS Z28, Z8
	VMOVAPS Z29, Z9
	VMOVAPS Z30, Z10
	VMOVAPS Z31, Z11
	ACROSS(VMAXPS, Z8, Y8, X8, Y0, X0)
	ACROSS(VMAXPS, Z9, Y9, X9, Y1, X1)
	ACROSS(VMAXPS, Z10, Y10, X10, Y2, X2)
	ACROSS(VMAXPS, Z11, Y11, X11, Y3, X3)
	VMULSS (DX)(R13*4), X8, X8
	VMULSS 4(DX)(R13*4), X9, X9
	VMULSS 8(DX)(R13*4), X10, X10
	VMULSS 12(DX)(R13*4), X11, X11
	VBROADCASTSS X8, Z28
	VBROADCASTSS X9, Z29
	VBROADCASTSS X10, Z30
	VBROADCASTSS X11, Z31
	VMOVSS X8, (digitSoftmax_m+0)(SI)(R13*4)
	VMOVSS X9, (digitSoftmax_m+4)(SI)(R13*4)
	VMOVSS X10, (digitSoftmax_m+8)(SI)(R13*4)
	VMOVSS X11, (digitSoftmax_m+12)(SI)(R13*4)

	VMOVAPS Z6, Z8
	VMOVAPS Z6, Z9
	VMOVAPS Z6, Z10
	VMOVAPS Z6, Z11
	VMOVAPS Z6, Z12
	VMOVAPS Z6, Z13
	VMOVAPS Z6, Z14
	VMOVAPS Z6, Z15
	XORL AX, AX
	MOVQ R13, DI
	SHLQ $4, DI
	LEAQ digitSoftmax_scales(SI), R9
	CMPQ digitSoftmax_whole(SI), $0
	JEQ  weightOf
weight:
	MOVQ (R9), BX
	ADDQ $8, R9
	ASK_PLACES(askedWhole)
	WEIGHT(0, Z28, Z8, Z12)
	WEIGHT(1, Z29, Z9, Z13)
	WEIGHT(2, Z30, Z10, Z14)
	WEIGHT(3, Z31, Z11, Z15)
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  weight
	JMP  final
weightOf:
	MOVQ (R9), BX
	ADDQ $8, R9
	ASK_PLACES(askedPart)
	WEIGHT_OF(0, Z28, Z8, Z12)
	WEIGHT_OF(1, Z29, Z9, Z13)
	WEIGHT_OF(2, Z30, Z10, Z14)
	WEIGHT_OF(3, Z31, Z11, Z15)
	ADDQ $64, AX
	ADDQ $2, DI
	CMPQ AX, CX
	JLT  weightOf
final:
	FINAL(0, Z8, Y8, X8, Z12, Y12, X12)
	FINAL(1, Z9, Y9, X9, Z13, Y13, X13)
	FINAL(2, Z10, Y10, X10, Z14, Y14, X14)
	FINAL(3, Z11, Y11, X11, Z15, Y15, X15)

	MOVQ digitSoftmax_offsets(SI), R9
	MOVQ R10, R8
	SHLQ $4, R8
	XORL AX, AX
put:
	MOVQ (R9), BX
	ADDQ R12, BX
	PUT(0)
	ADDQ R10, BX
	PUT(1)
	ADDQ R10, BX
	PUT(2)
	ADDQ R10, BX
	PUT(3)
	ADDQ $8, R9
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  put
	JMP  zeroTest
zero:
	MOVQ (R9), BX
	ADDQ R12, BX
	PUT_ZERO
	ADDQ R10, BX
	PUT_ZERO
	ADDQ R10, BX
	PUT_ZERO
	ADDQ R10, BX
	PUT_ZERO
	ADDQ $8, R9
	ADDQ $64, AX
zeroTest:
	CMPQ AX, $512
	JLT  zero

	ADDQ $(4*512), R11
	LEAQ (R12)(R10*4), R12
	ADDQ $4, R13
	TESTQ $15, R13
	JNZ  group
	ADDQ $4096, R12 // the next sixteen
	SUBQ R8, R12
group:
	CMPQ R13, digitSoftmax_rows(SI)
	JLT  rows
	VZEROUPPER
	RET
