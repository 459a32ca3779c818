//go:build !purego

#include "textflag.h"
#include "exp_avx2_amd64.h"
#include "read_ahead_avx2_amd64.h"

DATA lowest<>+0(SB)/4, $0xff800000 // -Inf
GLOBL lowest<>(SB), RODATA|NOPTR, $4

// Weights of sixteen scores, which become e^(scale score - m); their sums in Y8 and Y9.
//
//	Y6 Y7  m, scale;  Y10 Y11 Y12  free
#define WEIGHTS(at, SUM) \
	VMULPS (at)(DI), Y7, Y1 \
	VSUBPS Y6, Y1, Y1 \
	EXP(Y1, Y4, Y2, Y3, Y5) \
	VMOVUPS Y4, (at)(DI) \
	VADDPS Y4, SUM, SUM
#define SIXTEEN(at) WEIGHTS(at, Y8); WEIGHTS((at+32), Y9)

// Scaled scores have their largest where scores have it, as rounding keeps the order. NaNs are passed
// over: of a NaN and the largest so far the second operand stays.
//
//	SI CX  bytes of scores, and those that are left
#define SOFTMAX(NEXT, BEFORE, AFTER, m, l) \
	MOVQ p+0(FP), DI \
	MOVQ n+8(FP), SI \
	SHLQ $2, SI \
	VBROADCASTSS scale+16(FP), Y7 \
	BEFORE(next+24(FP), R9, R10, R11, R12) \
	VBROADCASTSS lowest<>(SB), Y0 \
	VMOVAPS Y0, Y1 \
	XORL AX, AX \
largest: \
	VMOVUPS (DI)(AX*1), Y2 \
	VMOVUPS 32(DI)(AX*1), Y3 \
	VMAXPS Y0, Y2, Y0 \
	VMAXPS Y1, Y3, Y1 \
	ADDQ $64, AX \
	CMPQ AX, SI \
	JLT largest \
	VMAXPS Y1, Y0, Y0 \
	ACROSS(VMAXPS, Y0, X0, X1) \
	VMULSS X7, X0, X0 \
	VMOVSS X0, m \
	VBROADCASTSS X0, Y6 \
	EXP_CONSTANTS \
	VXORPS Y8, Y8, Y8 \
	VXORPS Y9, Y9, Y9 \
	MOVQ SI, CX \
	SUBQ $128, CX \
	JLT rest \
	PCALIGN $32 \
more: \
	NEXT(R9) \
	WEIGHTS(0, Y8) \
	NEXT(R10) \
	WEIGHTS(32, Y9) \
	NEXT(R11) \
	WEIGHTS(64, Y8) \
	NEXT(R12) \
	WEIGHTS(96, Y9) \
	ADDQ $128, DI \
	SUBQ $128, CX \
	JGE more \
rest: \
	ADDQ $128, CX \
	JZ sums \
	SIXTEEN(0) \
sums: \
	VADDPS Y9, Y8, Y8 \
	ACROSS(VADDPS, Y8, X8, X1) \
	VMOVSS X8, l \
	AFTER(next+24(FP), R9, R10, R11, R12) \
	VZEROUPPER \
	RET

// func softmaxAVX2(p *float32, n int, scale float32) (m, l float32)
TEXT ·softmaxAVX2(SB), NOSPLIT, $0-32
	SOFTMAX(NONE, NOWHERE, NOWHERE, m+24(FP), l+28(FP))

// func softmaxAskingAVX2(p *float32, n int, scale float32, next *readAhead) (m, l float32)
TEXT ·softmaxAskingAVX2(SB), NOSPLIT, $0-40
	SOFTMAX(ASK, PLACES, PLACED, m+32(FP), l+36(FP))
