//go:build !purego

#include "textflag.h"

// exp.go says how e^x is computed; VSCALEFPS multiplies by 2^n with the same
// single rounding as the two steps there.

DATA softmaxConst<>+0(SB)/4, $0xff800000 // -Inf
DATA softmaxConst<>+4(SB)/4, $0xc2d00000 // -104
DATA softmaxConst<>+8(SB)/4, $0x42b20000 // 89
DATA softmaxConst<>+12(SB)/4, $0x3fb8aa3b // log2 e
DATA softmaxConst<>+16(SB)/4, $0xbf318000 // -0.693359375
DATA softmaxConst<>+20(SB)/4, $0x395e8083 // 2.12194440e-4
DATA softmaxConst<>+24(SB)/4, $0x39506967 // 1.9875691500e-4
DATA softmaxConst<>+28(SB)/4, $0x3ab743ce // 1.3981999507e-3
DATA softmaxConst<>+32(SB)/4, $0x3c088908 // 8.3334519073e-3
DATA softmaxConst<>+36(SB)/4, $0x3d2aa9c1 // 4.1665795894e-2
DATA softmaxConst<>+40(SB)/4, $0x3e2aaaaa // 1.6666665459e-1
DATA softmaxConst<>+44(SB)/4, $0x3f000000 // 5.0000001201e-1
DATA softmaxConst<>+48(SB)/4, $0x3f800000 // 1
GLOBL softmaxConst<>(SB), RODATA|NOPTR, $52

// func softmaxAVX512(p *float32, n int, scale float32) (m, l float32)
//
// First p = p*scale and the largest in Z1, passing over NaNs (of a NaN and the
// largest so far the second operand stays); then p = e^(p-m) and the sums in Z2.
// n is a positive multiple of 16.
TEXT ·softmaxAVX512(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), DI
	MOVQ n+8(FP), CX
	VBROADCASTSS scale+16(FP), Z3
	VBROADCASTSS softmaxConst<>+0(SB), Z1
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

	VBROADCASTSS softmaxConst<>+4(SB), Z16
	VBROADCASTSS softmaxConst<>+8(SB), Z17
	VBROADCASTSS softmaxConst<>+12(SB), Z18
	VBROADCASTSS softmaxConst<>+16(SB), Z19
	VBROADCASTSS softmaxConst<>+20(SB), Z20
	VBROADCASTSS softmaxConst<>+24(SB), Z21
	VBROADCASTSS softmaxConst<>+28(SB), Z22
	VBROADCASTSS softmaxConst<>+32(SB), Z23
	VBROADCASTSS softmaxConst<>+36(SB), Z24
	VBROADCASTSS softmaxConst<>+40(SB), Z25
	VBROADCASTSS softmaxConst<>+44(SB), Z26
	VBROADCASTSS softmaxConst<>+48(SB), Z27
	VPXORD Z2, Z2, Z2
	XORL AX, AX
exp:
	VMOVUPS (DI)(AX*4), Z0
	VSUBPS Z1, Z0, Z0
	VMAXPS Z0, Z16, Z0
	VMINPS Z0, Z17, Z0
	VMULPS Z18, Z0, Z4 // n
	VRNDSCALEPS $0, Z4, Z4
	VFMADD231PS Z19, Z4, Z0 // r
	VFMADD231PS Z20, Z4, Z0
	VMOVAPS Z21, Z5
	VFMADD213PS Z22, Z0, Z5
	VFMADD213PS Z23, Z0, Z5
	VFMADD213PS Z24, Z0, Z5
	VFMADD213PS Z25, Z0, Z5
	VFMADD213PS Z26, Z0, Z5
	VMULPS Z0, Z0, Z6
	VFMADD213PS Z0, Z6, Z5
	VADDPS Z27, Z5, Z5
	VSCALEFPS Z4, Z5, Z5
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
