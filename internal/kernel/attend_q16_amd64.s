//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "amx_amd64.h"

// Products of digits on the tiles of AMX, see attend_q16.go. A unit is a group of up to sixteen
// queries with one tile of keys, or with sixteen dimensions of all tiles of values. Units take turns
// with three pairs of tiles: while products of one are summed, those of the one before are being
// finished, and the sums of the one before that leave their tiles and become float32. Tiles 0, 2 and 4
// sum products of high digits, 1, 3 and 5 those with one low digit; 6 is digits of queries or weights,
// 7 those of keys or values.
//
//	R15  t;  AX  64;  BX  sums
//	R8  tile of keys, or bytes to the dimensions of values;  R9  queries left;  R11  results of the unit
//	rows out by bias  notes on a unit: queries, results, what they are multiplied with, what there is too
//	much in them

#define CHUNK 512 // bytes from one row of scores to the next
#define GROUP 4096 // bytes of the weights of sixteen queries

// ASK asks for eight lines of one of four places, see readAhead.
#define ASK(at) \
	MOVQ at(R14), CX \
	PREFETCHT1 (CX) \
	PREFETCHT1 64(CX) \
	PREFETCHT1 128(CX) \
	PREFETCHT1 192(CX) \
	PREFETCHT1 256(CX) \
	PREFETCHT1 320(CX) \
	PREFETCHT1 384(CX) \
	PREFETCHT1 448(CX) \
	ADDQ $512, CX \
	MOVQ CX, at(R14)

// ASKS asks R10 times for as many lines as a tile of keys has, unless they have been asked for.
#define ASKS(LABEL, ASKED) \
	MOVQ digitCall_ahead(R15), R14 \
	CMPQ digitCall_asked(R15), $0 \
	JNE ASKED \
LABEL: \
	ASK(0) \
	ASK(8) \
	ASK(16) \
	ASK(24) \
	DECQ R10 \
	JNZ LABEL \
ASKED:

#define ENTER \
	MOVQ t+0(FP), R15 \
	MOVQ digitCall_shapes(R15), DI \
	LDTILECFG_DI \
	MOVQ $64, AX \
	MOVQ digitCall_sums(R15), BX \
	MOVQ $0, rows0-8(SP) \
	MOVQ $0, rows1-16(SP) \
	MOVQ $0, rows2-24(SP) \
	XORL R8, R8

#define LEAVE \
	TILERELEASE \
	VZEROUPPER \
	RET

// SUMS leaves the sums of tiles T and T+1 in memory.
#define SUMS(T) \
	TILESTORED(T, 3, 0, 0) \
	TILESTORED(T+1, 3, 0, 1024)

// FINISH makes results of those, if there are any.
#define FINISH(ROWS, OUT, BY, FIRST, SUM, ROW, LABEL, NONE) \
	MOVQ ROWS, CX \
	TESTQ CX, CX \
	JEQ NONE \
	MOVQ OUT, R12 \
	MOVQ BY, R13 \
	MOVQ BX, R10 \
	FIRST \
LABEL: \
	VPSLLD $8, (R10), Z2 \
	VPADDD 1024(R10), Z2, Z2 \
	SUM \
	VMOVUPS Z2, (R12) \
	ADDQ $64, R10 \
	ADDQ ROW, R12 \
	DECQ CX \
	JNZ LABEL \
NONE:

// NOTE is for FINISH.
#define NOTE(ROWS, OUT) \
	MOVQ $16, CX \
	CMPQ R9, CX \
	CMOVQLT R9, CX \
	MOVQ CX, ROWS \
	MOVQ R11, OUT

// UNITS computes all units, and ends. The last two are finished after them.
#define UNITS(PRODUCTS, FINISH0, FINISH1, FINISH2, NOTE, NEXT) \
unit0: \
	SUMS(2) \
	PRODUCTS(0, products0) \
	FINISH1(row0, none0) \
	NOTE(rows0-8(SP), out0-40(SP), by0-64(SP), bias0-88(SP)) \
	NEXT(unit1, last0, ask1, asked1) \
	SUMS(4) \
	PRODUCTS(2, products1) \
	FINISH2(row1, none1) \
	NOTE(rows1-16(SP), out1-48(SP), by1-72(SP), bias1-96(SP)) \
	NEXT(unit2, last1, ask2, asked2) \
	SUMS(0) \
	PRODUCTS(4, products2) \
	FINISH0(row2, none2) \
	NOTE(rows2-24(SP), out2-56(SP), by2-80(SP), bias2-104(SP)) \
	NEXT(again, last2, ask0, asked0) \
	JMP unit0 \
last0: \
	SUMS(4) \
	FINISH2(row3, none3) \
	SUMS(0) \
	FINISH0(row4, none4) \
	LEAVE \
last1: \
	SUMS(0) \
	FINISH0(row5, none5) \
	SUMS(2) \
	FINISH1(row6, none6) \
	LEAVE \
last2: \
	SUMS(2) \
	FINISH1(row7, none7) \
	SUMS(4) \
	FINISH2(row8, none8) \
	LEAVE

// Scores of a unit. DX is the bytes from four dimensions of keys to the next.
#define KEYS(T, LABEL) \
	MOVQ digitCall_tiles(R15)(R8*8), DI \
	MOVQ digitCall_parts(R15), R10 \
	TILEZERO(T) \
	TILEZERO(T+1) \
LABEL: \
	TILELOADD(6, 6, 0, 0) \
	TILELOADD(7, 7, 2, 64) \
	TDPBSUD(T+1, 6, 7) \
	TILELOADD(7, 7, 2, 0) \
	TDPBSUD(T, 6, 7) \
	TILELOADD(6, 6, 0, 1024) \
	TDPBSUD(T+1, 6, 7) \
	ADDQ digitCall_next(R15), DI \
	ADDQ $2048, SI \
	DECQ R10 \
	JNZ LABEL

// FIRST_KEYS begins with a tile of keys.
#define FIRST_KEYS(LABEL, ASKED) \
	MOVQ digitCall_parts(R15), R10 \
	ASKS(LABEL, ASKED) \
	MOVQ digitCall_left(R15), SI \
	MOVQ digitCall_queries(R15), R9 \
	MOVQ digitCall_bias(R15), CX \
	MOVQ CX, next-32(SP) \
	MOVQ R8, R11 \
	SHLQ $6, R11 \
	ADDQ digitCall_out(R15), R11

// FINISH_KEYS takes scales of sixteen keys, and the bias of each query.
#define KEY_FIRST(BIAS) MOVQ BIAS, R14; VMOVUPS (R13), Z1
#define KEY_SUM VPSUBD.BCST (R14), Z2, Z2; ADDQ $4, R14; VCVTDQ2PS Z2, Z2; VMULPS Z1, Z2, Z2
#define FINISH_KEYS0(LABEL, NONE) FINISH(rows0-8(SP), out0-40(SP), by0-64(SP), KEY_FIRST(bias0-88(SP)), KEY_SUM, $CHUNK, LABEL, NONE)
#define FINISH_KEYS1(LABEL, NONE) FINISH(rows1-16(SP), out1-48(SP), by1-72(SP), KEY_FIRST(bias1-96(SP)), KEY_SUM, $CHUNK, LABEL, NONE)
#define FINISH_KEYS2(LABEL, NONE) FINISH(rows2-24(SP), out2-56(SP), by2-80(SP), KEY_FIRST(bias2-104(SP)), KEY_SUM, $CHUNK, LABEL, NONE)

// NOTE_KEYS goes on to the next queries.
#define NOTE_KEYS(ROWS, OUT, BY, BIAS) \
	NOTE(ROWS, OUT) \
	MOVQ digitCall_scales(R15)(R8*8), CX \
	MOVQ CX, BY \
	MOVQ next-32(SP), CX \
	MOVQ CX, BIAS \
	ADDQ $64, next-32(SP) \
	ADDQ $(16*CHUNK), R11 \
	SUBQ $16, R9

// NEXT_KEYS goes on to the next tile after the last queries, or to LAST.
#define NEXT_KEYS(SAME, LAST, LABEL, ASKED) \
	JGT SAME \
	INCQ R8 \
	CMPQ R8, digitCall_n(R15) \
	JGE LAST \
	FIRST_KEYS(LABEL, ASKED) \
SAME:

// func digitScoresAMX(t *digitCall)
TEXT ·digitScoresAMX(SB), NOSPLIT, $104-8
	ENTER
	MOVQ digitCall_stride(R15), DX
	FIRST_KEYS(ask, asked)
	UNITS(KEYS, FINISH_KEYS0, FINISH_KEYS1, FINISH_KEYS2, NOTE_KEYS, NEXT_KEYS)

// Results of a unit. DX is the tokens of a tile of values, R14 the bytes from a weight's high digit
// to its low.
#define VALUES(T, LABEL) \
	MOVQ DX, R14 \
	SHLQ $4, R14 \
	MOVQ $256, CX \
	XORL R10, R10 \
	TILEZERO(T) \
	TILEZERO(T+1) \
LABEL: \
	MOVQ digitCall_tiles(R15)(R10*8), DI \
	ADDQ R8, DI \
	TILELOADD(6, 6, 2, 0) \
	TILELOADD(7, 7, 1, 64) \
	TDPBUSD(T+1, 6, 7) \
	TILELOADD(7, 7, 1, 0) \
	TDPBUSD(T, 6, 7) \
	ADDQ R14, SI \
	TILELOADD(6, 6, 2, 0) \
	TDPBUSD(T+1, 6, 7) \
	ADDQ R14, SI \
	INCQ R10 \
	CMPQ R10, digitCall_n(R15) \
	JLT LABEL

// FIRST_VALUES begins with sixteen dimensions.
#define FIRST_VALUES(LABEL, ASKED) \
	MOVQ $2, R10 \
	ASKS(LABEL, ASKED) \
	MOVQ digitCall_left(R15), SI \
	MOVQ SI, left-88(SP) \
	MOVQ digitCall_by(R15), R9 \
	MOVQ R9, next-32(SP) \
	MOVQ digitCall_queries(R15), R9 \
	MOVQ first-96(SP), R11 \
	ADDQ $64, first-96(SP)

#define NOTHING
#define VALUE_SUM VCVTDQ2PS Z2, Z2; VMULPS.BCST (R13), Z2, Z2; ADDQ $4, R13
#define FINISH_VALUES0(LABEL, NONE) FINISH(rows0-8(SP), out0-40(SP), by0-64(SP), NOTHING, VALUE_SUM, digitCall_row(R15), LABEL, NONE)
#define FINISH_VALUES1(LABEL, NONE) FINISH(rows1-16(SP), out1-48(SP), by1-72(SP), NOTHING, VALUE_SUM, digitCall_row(R15), LABEL, NONE)
#define FINISH_VALUES2(LABEL, NONE) FINISH(rows2-24(SP), out2-56(SP), by2-80(SP), NOTHING, VALUE_SUM, digitCall_row(R15), LABEL, NONE)

// NOTE_VALUES goes on to the next queries; there is no bias.
#define NOTE_VALUES(ROWS, OUT, BY, BIAS) \
	NOTE(ROWS, OUT) \
	MOVQ next-32(SP), CX \
	MOVQ CX, BY \
	ADDQ $64, next-32(SP) \
	MOVQ digitCall_row(R15), CX \
	SHLQ $4, CX \
	ADDQ CX, R11 \
	ADDQ $GROUP, left-88(SP) \
	MOVQ left-88(SP), SI \
	SUBQ $16, R9

// NEXT_VALUES goes on to the next sixteen dimensions after the last queries, or to LAST: the second
// of 32, or the first of the next.
#define NEXT_VALUES(SAME, LAST, LABEL, ASKED) \
	JGT SAME \
	DECQ parts-104(SP) \
	JEQ LAST \
	XORQ $128, R8 \
	TESTQ $128, R8 \
	JNE 2(PC) \
	ADDQ digitCall_next(R15), R8 \
	FIRST_VALUES(LABEL, ASKED) \
SAME:

// func digitValuesAMX(t *digitCall)
TEXT ·digitValuesAMX(SB), NOSPLIT, $104-8
	ENTER
	MOVQ digitCall_tokens(R15), DX
	MOVQ digitCall_out(R15), CX
	MOVQ CX, first-96(SP)
	MOVQ digitCall_parts(R15), CX
	MOVQ CX, parts-104(SP)
	FIRST_VALUES(ask, asked)
	UNITS(VALUES, FINISH_VALUES0, FINISH_VALUES1, FINISH_VALUES2, NOTE_VALUES, NEXT_VALUES)
