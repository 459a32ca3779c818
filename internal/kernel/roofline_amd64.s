//go:build amd64 && !purego

#include "textflag.h"

// Loops for MeasurePeaks that do nothing but what they measure. Twelve sums, so that
// none waits for itself.

#define CLEARY \
	VPXOR Y0, Y0, Y0 \
	VPXOR Y1, Y1, Y1 \
	VPXOR Y2, Y2, Y2 \
	VPXOR Y3, Y3, Y3 \
	VPXOR Y4, Y4, Y4 \
	VPXOR Y5, Y5, Y5 \
	VPXOR Y6, Y6, Y6 \
	VPXOR Y7, Y7, Y7 \
	VPXOR Y8, Y8, Y8 \
	VPXOR Y9, Y9, Y9 \
	VPXOR Y10, Y10, Y10 \
	VPXOR Y11, Y11, Y11 \
	VPXOR Y12, Y12, Y12 \
	VPXOR Y13, Y13, Y13 \
	VPXOR Y14, Y14, Y14 \
	VPXOR Y15, Y15, Y15

#define CLEARZ \
	VPXORQ Z0, Z0, Z0 \
	VPXORQ Z1, Z1, Z1 \
	VPXORQ Z2, Z2, Z2 \
	VPXORQ Z3, Z3, Z3 \
	VPXORQ Z4, Z4, Z4 \
	VPXORQ Z5, Z5, Z5 \
	VPXORQ Z6, Z6, Z6 \
	VPXORQ Z7, Z7, Z7 \
	VPXORQ Z8, Z8, Z8 \
	VPXORQ Z9, Z9, Z9 \
	VPXORQ Z10, Z10, Z10 \
	VPXORQ Z11, Z11, Z11 \
	VPXORQ Z12, Z12, Z12 \
	VPXORQ Z13, Z13, Z13 \
	VPXORQ Z14, Z14, Z14 \
	VPXORQ Z15, Z15, Z15

// One instruction for each of twelve sums.
#define TWELVE(OP, a, b, S0, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11) \
	OP a, b, S0 \
	OP a, b, S1 \
	OP a, b, S2 \
	OP a, b, S3 \
	OP a, b, S4 \
	OP a, b, S5 \
	OP a, b, S6 \
	OP a, b, S7 \
	OP a, b, S8 \
	OP a, b, S9 \
	OP a, b, S10 \
	OP a, b, S11

// Four pages at a time, two lines of each in turn; registers A to D hold what they come to.
#define PAGES(OP, at, A, B, C, D) \
	OP (at)(SI), A, A \
	OP (4096+at)(SI), B, B \
	OP (8192+at)(SI), C, C \
	OP (12288+at)(SI), D, D

#define READ(OP, A, B, C, D, LINES) \
	MOVQ b+0(FP), SI \
	MOVQ chunks+8(FP), CX \
	OP A, A, A \
	OP B, B, B \
	OP C, C, C \
	OP D, D, D \
	TESTQ CX, CX \
	JZ done \
pages: \
	MOVQ $32, BX \
lines: \
	LINES \
	ADDQ $128, SI \
	DECQ BX \
	JNZ lines \
	ADDQ $12288, SI \
	DECQ CX \
	JNZ pages \
done: \
	VZEROUPPER \
	RET

#define HALF(at) PAGES(VPXOR, at, Y0, Y1, Y2, Y3)
#define LINE(at) PAGES(VPXORQ, at, Z0, Z1, Z2, Z3)

// func readAVX2(b *byte, chunks int)
TEXT ·readAVX2(SB), NOSPLIT, $0-16
	READ(VPXOR, Y0, Y1, Y2, Y3, HALF(0); HALF(32); HALF(64); HALF(96))

// func readAVX512(b *byte, chunks int)
TEXT ·readAVX512(SB), NOSPLIT, $0-16
	READ(VPXORQ, Z0, Z1, Z2, Z3, LINE(0); LINE(64))

// func fmaAVX2(steps int)
TEXT ·fmaAVX2(SB), NOSPLIT, $0-8
	MOVQ steps+0(FP), CX
	CLEARY
	TESTQ CX, CX
	JZ fmaAVX2done
fmaAVX2loop:
	TWELVE(VFMADD231PS, Y14, Y15, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11)
	DECQ CX
	JNZ fmaAVX2loop
fmaAVX2done:
	VZEROUPPER
	RET

// func fmaAVX512(steps int)
TEXT ·fmaAVX512(SB), NOSPLIT, $0-8
	MOVQ steps+0(FP), CX
	CLEARZ
	TESTQ CX, CX
	JZ fmaAVX512done
fmaAVX512loop:
	TWELVE(VFMADD231PS, Z14, Z15, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11)
	DECQ CX
	JNZ fmaAVX512loop
fmaAVX512done:
	VZEROUPPER
	RET

// func int8AVX512(steps int)
TEXT ·int8AVX512(SB), NOSPLIT, $0-8
	MOVQ steps+0(FP), CX
	CLEARZ
	TESTQ CX, CX
	JZ int8AVX512done
int8AVX512loop:
	TWELVE(VPDPBUSD, Z14, Z15, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11)
	DECQ CX
	JNZ int8AVX512loop
int8AVX512done:
	VZEROUPPER
	RET

// func int8AVX2(steps int)
TEXT ·int8AVX2(SB), NOSPLIT, $0-8
	MOVQ steps+0(FP), CX
	CLEARY
	TESTQ CX, CX
	JZ int8AVX2done
int8AVX2loop:
	VPMADDUBSW Y14, Y15, Y12
	VPMADDWD Y15, Y12, Y12
	VPADDD Y12, Y0, Y0
	VPMADDUBSW Y14, Y15, Y13
	VPMADDWD Y15, Y13, Y13
	VPADDD Y13, Y1, Y1
	VPMADDUBSW Y14, Y15, Y12
	VPMADDWD Y15, Y12, Y12
	VPADDD Y12, Y2, Y2
	VPMADDUBSW Y14, Y15, Y13
	VPMADDWD Y15, Y13, Y13
	VPADDD Y13, Y3, Y3
	VPMADDUBSW Y14, Y15, Y12
	VPMADDWD Y15, Y12, Y12
	VPADDD Y12, Y4, Y4
	VPMADDUBSW Y14, Y15, Y13
	VPMADDWD Y15, Y13, Y13
	VPADDD Y13, Y5, Y5
	VPMADDUBSW Y14, Y15, Y12
	VPMADDWD Y15, Y12, Y12
	VPADDD Y12, Y6, Y6
	VPMADDUBSW Y14, Y15, Y13
	VPMADDWD Y15, Y13, Y13
	VPADDD Y13, Y7, Y7
	VPMADDUBSW Y14, Y15, Y12
	VPMADDWD Y15, Y12, Y12
	VPADDD Y12, Y8, Y8
	VPMADDUBSW Y14, Y15, Y13
	VPMADDWD Y15, Y13, Y13
	VPADDD Y13, Y9, Y9
	VPMADDUBSW Y14, Y15, Y12
	VPMADDWD Y15, Y12, Y12
	VPADDD Y12, Y10, Y10
	VPMADDUBSW Y14, Y15, Y13
	VPMADDWD Y15, Y13, Y13
	VPADDD Y13, Y11, Y11
	DECQ CX
	JNZ int8AVX2loop
int8AVX2done:
	VZEROUPPER
	RET
