//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "exp_avx512_amd64.h"

// What training computes most of, sixteen numbers at a time; n is a positive multiple of
// 16.

// func siluAVX512(y, x, w *float32, n int)
//
// w may be nil.
TEXT ·siluAVX512(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ w+16(FP), DX
	MOVQ n+24(FP), CX
	XORQ AX, AX
	EXPENTER
	VBROADCASTSS expConst<>+52(SB), Z28
loop:
	VMOVUPS (SI)(AX*4), Z0
	VPXORD Z28, Z0, Z1
	EXPZ(Z1, Z4, Z2, Z3)
	VADDPS Z27, Z4, Z4
	VDIVPS Z4, Z0, Z4
	TESTQ DX, DX
	JEQ alone
	VMULPS (DX)(AX*4), Z4, Z4
alone:
	VMOVUPS Z4, (DI)(AX*4)
	ADDQ $16, AX
	CMPQ AX, CX
	JLT loop
	VZEROUPPER
	RET

// func siluBackAVX512(t *gluBackStep)
//
//	Z0 x = gate  Z5 s = 1/(1+e^-x)  Z6 x s  Z7 s (1 + x (1-s))  Z8 gy
TEXT ·siluBackAVX512(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	MOVQ gluBackStep_gg(R15), DI
	MOVQ gluBackStep_gu(R15), R8
	MOVQ gluBackStep_gy(R15), SI
	MOVQ gluBackStep_gate(R15), DX
	MOVQ gluBackStep_up(R15), BX
	MOVQ gluBackStep_n(R15), CX
	XORQ AX, AX
	EXPENTER
	VBROADCASTSS expConst<>+52(SB), Z28
loop:
	VMOVUPS (DX)(AX*4), Z0
	VMOVUPS (SI)(AX*4), Z8
	VPXORD Z28, Z0, Z1
	EXPZ(Z1, Z4, Z2, Z3)
	VADDPS Z27, Z4, Z4
	VDIVPS Z4, Z27, Z5
	VMULPS Z5, Z0, Z6
	VSUBPS Z5, Z27, Z7
	VMULPS Z0, Z7, Z7
	VADDPS Z27, Z7, Z7
	VMULPS Z5, Z7, Z7
	VMULPS (BX)(AX*4), Z8, Z9
	VMULPS Z7, Z9, Z9
	VMULPS Z6, Z8, Z8
	VMOVUPS Z9, (DI)(AX*4)
	VMOVUPS Z8, (R8)(AX*4)
	ADDQ $16, AX
	CMPQ AX, CX
	JLT loop
	VZEROUPPER
	RET

// func expShiftedAVX512(y, x *float32, m float32, n int)
TEXT ·expShiftedAVX512(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSS m+16(FP), Z8
	MOVQ n+24(FP), CX
	XORQ AX, AX
	EXPENTER
loop:
	VMOVUPS (SI)(AX*4), Z1
	VSUBPS Z8, Z1, Z1
	EXPZ(Z1, Z4, Z2, Z3)
	VMOVUPS Z4, (DI)(AX*4)
	ADDQ $16, AX
	CMPQ AX, CX
	JLT loop
	VZEROUPPER
	RET
