//go:build !purego

#include "textflag.h"
#include "exp_avx512_amd64.h"

// func softmaxAVX512(p *float32, n int, scale float32) (m, l float32)
//
// First p = p*scale and the largest in Z1, passing over NaNs (of a NaN and the
// largest so far the second operand stays); then p = e^(p-m) and the sums in Z2.
// n is a positive multiple of 16.
TEXT ·softmaxAVX512(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), DI
	MOVQ n+8(FP), CX
	VBROADCASTSS scale+16(FP), Z3
	VBROADCASTSS expConst<>+0(SB), Z1
	XORL AX, AX
scale:
	VMULPS (DI)(AX*4), Z3, Z0
	VMOVUPS Z0, (DI)(AX*4)
	VMAXPS Z1, Z0, Z1
	ADDQ $16, AX
	CMPQ AX, CX
	JLT  scale

	VEXTRACTF64X4 $1, Z1, Y0
	VMAXPS Y0, Y1, Y1
	VEXTRACTF128 $1, Y1, X0
	VMAXPS X0, X1, X1
	VPERMILPS $0x4e, X1, X0
	VMAXPS X0, X1, X1
	VPERMILPS $0xb1, X1, X0
	VMAXPS X0, X1, X1
	VMOVSS X1, m+24(FP)
	VBROADCASTSS X1, Z1

	EXPENTER
	VPXORD Z2, Z2, Z2
	XORL AX, AX
exp:
	VMOVUPS (DI)(AX*4), Z0
	VSUBPS Z1, Z0, Z0
	EXPZ(Z0, Z5, Z4, Z6)
	VMOVUPS Z5, (DI)(AX*4)
	VADDPS Z5, Z2, Z2
	ADDQ $16, AX
	CMPQ AX, CX
	JLT  exp

	VEXTRACTF64X4 $1, Z2, Y0
	VADDPS Y0, Y2, Y2
	VEXTRACTF128 $1, Y2, X0
	VADDPS X0, X2, X2
	VPERMILPS $0x4e, X2, X0
	VADDPS X0, X2, X2
	VPERMILPS $0xb1, X2, X0
	VADDPS X0, X2, X2
	VMOVSS X2, l+28(FP)
	VZEROUPPER
	RET
