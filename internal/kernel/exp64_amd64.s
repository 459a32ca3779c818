//go:build amd64 && !purego

#include "textflag.h"

DATA exps<>+0(SB)/8, $0x3ff71547652b82fe  // log2 e
DATA exps<>+8(SB)/8, $0x3fe62e42fee00000  // ln2High
DATA exps<>+16(SB)/8, $0x3dea39ef35793c76 // ln2Low
DATA exps<>+24(SB)/8, $0xc086200000000000 // -708
GLOBL exps<>(SB), RODATA|NOPTR, $32

#define TERM(i) VBROADCASTSD (8*i)(DX), Y5; VFMADD213PD Y5, Y2, Y4

// func expScaledAVX2(y *float64, x *float32, n int, shift, scale float64, series *float64)
//
// Four numbers at a time; see exp64.
//
//	Y0  argument;  Y1  n;  Y2  r;  Y3  all ones where the result is not 0;  Y4  e^r
//	Y10 shift;  Y11 scale;  Y12 log2 e;  Y13 ln2High;  Y14 ln2Low;  Y15 -708
TEXT ·expScaledAVX2(SB), NOSPLIT, $0-48
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSD shift+24(FP), Y10
	VBROADCASTSD scale+32(FP), Y11
	MOVQ series+40(FP), DX
	VBROADCASTSD exps<>+0(SB), Y12
	VBROADCASTSD exps<>+8(SB), Y13
	VBROADCASTSD exps<>+16(SB), Y14
	VBROADCASTSD exps<>+24(SB), Y15

four:
	VCVTPS2PD (SI), Y0
	VSUBPD Y10, Y0, Y0
	VMULPD Y11, Y0, Y0
	VCMPPD $0x1d, Y15, Y0, Y3 // >=
	VMAXPD Y15, Y0, Y0
	VMULPD Y12, Y0, Y1
	VROUNDPD $0, Y1, Y1
	VMOVAPD Y0, Y2
	VFNMADD231PD Y13, Y1, Y2
	VFNMADD231PD Y14, Y1, Y2
	VBROADCASTSD (DX), Y4
	TERM(1)
	TERM(2)
	TERM(3)
	TERM(4)
	TERM(5)
	TERM(6)
	TERM(7)
	TERM(8)
	TERM(9)
	TERM(10)
	TERM(11)
	TERM(12)
	TERM(13)
	VCVTPD2DQY Y1, X1
	VPMOVSXDQ X1, Y1
	VPSLLQ $52, Y1, Y1
	VPADDQ Y1, Y4, Y4
	VANDPD Y3, Y4, Y4
	VMOVUPD Y4, (DI)
	ADDQ $16, SI
	ADDQ $32, DI
	SUBQ $4, CX
	JNE four
	VZEROUPPER
	RET
