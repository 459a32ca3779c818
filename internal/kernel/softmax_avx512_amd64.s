//go:build !purego

#include "textflag.h"
#include "exp_avx512_amd64.h"
#include "registers_avx512_amd64.h"

// func softmaxAVX512(p *float32, n int, first, last uint16, scale float32) (m, l float32)
//
// First p = p*scale and the largest in Z1, passing over NaNs (of a NaN and the
// largest so far the second operand stays); then p = e^(p-m) and the sums in Z2.
// n is a positive multiple of 16. Of the first and of the last sixteen only the numbers
// of their masks count; the others become 0. As -Inf they would too, but to get there
// the processor stops for as long as the rest of a row takes.
//
//	K3 K4  numbers that count of these sixteen, and of all but the last
TEXT ·softmaxAVX512(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), DI
	MOVQ n+8(FP), CX
	KMOVW first+16(FP), K1
	KMOVW last+18(FP), K2
	VBROADCASTSS scale+20(FP), Z3
	VBROADCASTSS expConst<>+0(SB), Z7
	VMOVAPS Z7, Z1
	SUBQ $16, CX
	XORL AX, AX
	KMOVW K1, K3
	JMP scaleTest
scale:
	VMOVAPS Z7, Z0
	VMULPS (DI)(AX*4), Z3, K3, Z0
	VMOVUPS Z0, (DI)(AX*4)
	VMAXPS Z1, Z0, Z1
	KXNORW K3, K3, K3
	ADDQ $16, AX
scaleTest:
	CMPQ AX, CX
	JLT  scale
	KANDW K2, K3, K3
	VMOVAPS Z7, Z0
	VMULPS (DI)(AX*4), Z3, K3, Z0
	VMOVUPS Z0, (DI)(AX*4)
	VMAXPS Z1, Z0, Z1

	ACROSS(VMAXPS, Z1, Y1, X1, Y0, X0)
	VMOVSS X1, m+24(FP)
	VBROADCASTSS X1, Z1

	EXPENTER
	VPXORD Z2, Z2, Z2
	XORL AX, AX
	KMOVW K1, K3
	JMP expTest
exp:
	VMOVUPS (DI)(AX*4), Z0
	VSUBPS.Z Z1, Z0, K3, Z0
	EXPZ(Z0, Z5, Z4, Z6)
	VMOVAPS.Z Z5, K3, Z5
	VMOVUPS Z5, (DI)(AX*4)
	VADDPS Z5, Z2, Z2
	KXNORW K3, K3, K3
	ADDQ $16, AX
expTest:
	CMPQ AX, CX
	JLT  exp
	KANDW K2, K3, K3
	VMOVUPS (DI)(AX*4), Z0
	VSUBPS.Z Z1, Z0, K3, Z0
	EXPZ(Z0, Z5, Z4, Z6)
	VMOVAPS.Z Z5, K3, Z5
	VMOVUPS Z5, (DI)(AX*4)
	VADDPS Z5, Z2, Z2

	ACROSS(VADDPS, Z2, Y2, X2, Y0, X0)
	VMOVSS X2, l+28(FP)
	VZEROUPPER
	RET
