//go:build amd64 && !purego

#include "textflag.h"

DATA exps<>+0(SB)/8, $0x3ff71547652b82fe  // log2 e
DATA exps<>+8(SB)/8, $0x3fe62e42fee00000  // ln2High
DATA exps<>+16(SB)/8, $0x3dea39ef35793c76 // ln2Low
DATA exps<>+24(SB)/8, $0xc086200000000000 // -708
GLOBL exps<>(SB), RODATA|NOPTR, $32

// Arguments and constants of both kernels.
#define EXPENTER64(SHIFT, SCALE, LOG2E, HIGH, LOW, LEAST) \
	MOVQ sums+0(FP), R8 \
	MOVQ y+8(FP), DI \
	MOVQ x+16(FP), SI \
	MOVQ n+24(FP), CX \
	VBROADCASTSD shift+32(FP), SHIFT \
	VBROADCASTSD scale+40(FP), SCALE \
	MOVQ series+48(FP), DX \
	VBROADCASTSD exps<>+0(SB), LOG2E \
	VBROADCASTSD exps<>+8(SB), HIGH \
	VBROADCASTSD exps<>+16(SB), LOW \
	VBROADCASTSD exps<>+24(SB), LEAST \
	VMOVUPD (R8), Y6

// Four numbers, see exp64: their n and r, all ones where the result is not 0, and e^r.
#define ARGUMENT(AT, N, R, NOT0, E) \
	VCVTPS2PD (AT)(SI), E \
	VSUBPD Y10, E, E \
	VMULPD Y11, E, E \
	VCMPPD $0x1d, Y15, E, NOT0 \
	VMAXPD Y15, E, R \
	VMULPD Y12, R, N \
	VROUNDPD $0, N, N \
	VFNMADD231PD Y13, N, R \
	VFNMADD231PD Y14, N, R
#define POWER(AT, N, NX, NOT0, E) \
	VCVTPD2DQY N, NX \
	VPMOVSXDQ NX, N \
	VPSLLQ $52, N, N \
	VPADDQ N, E, E \
	VANDPD NOT0, E, E \
	VMOVUPD E, (AT)(DI) \
	VADDPD E, Y6, Y6

#define TERM(i) VBROADCASTSD (8*i)(DX), Y5; VFMADD213PD Y5, Y2, Y4
#define TERMS(i) TERM(i); VFMADD213PD Y5, Y8, Y0
#define SERIES(TERM) \
	TERM(1); TERM(2); TERM(3); TERM(4); TERM(5); TERM(6); TERM(7) \
	TERM(8); TERM(9); TERM(10); TERM(11); TERM(12); TERM(13)

// func expScaledAVX2(sums, y *float64, x *float32, n int, shift, scale float64, series *float64)
//
// Eight numbers at a time, as four wait for themselves, and maybe four at the end.
//
//	Y1–Y4, Y7–Y9 and Y0  n, r, not 0, e^r of four;  Y5 of the series;  Y6 sums
//	Y10 shift;  Y11 scale;  Y12 log2 e;  Y13 ln2High;  Y14 ln2Low;  Y15 -708
TEXT ·expScaledAVX2(SB), NOSPLIT, $0-56
	EXPENTER64(Y10, Y11, Y12, Y13, Y14, Y15)
	SUBQ $8, CX
	JL   four
eight:
	ARGUMENT(0, Y1, Y2, Y3, Y4)
	ARGUMENT(16, Y7, Y8, Y9, Y0)
	VBROADCASTSD (DX), Y4
	VMOVAPD Y4, Y0
	SERIES(TERMS)
	POWER(0, Y1, X1, Y3, Y4)
	POWER(32, Y7, X7, Y9, Y0)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $8, CX
	JGE  eight
four:
	ADDQ $8, CX
	JZ   done
	ARGUMENT(0, Y1, Y2, Y3, Y4)
	VBROADCASTSD (DX), Y4
	SERIES(TERM)
	POWER(0, Y1, X1, Y3, Y4)
done:
	VMOVUPD Y6, (R8)
	VZEROUPPER
	RET

// The same of eight numbers; K is those that are not 0.
#define ARGUMENTZ(AT, N, R, K) \
	VCVTPS2PD (AT)(SI), R \
	VSUBPD Z10, R, R \
	VMULPD Z11, R, R \
	VCMPPD $0x1d, Z15, R, K \
	VMAXPD Z15, R, R \
	VMULPD Z12, R, N \
	VRNDSCALEPD $0, N, N \
	VFNMADD231PD Z13, N, R \
	VFNMADD231PD Z14, N, R
#define TERMZ(i) \
	VBROADCASTSD (8*i)(DX), Z5 \
	VFMADD213PD Z5, Z2, Z4 \
	VFMADD213PD Z5, Z8, Z0
#define POWERZ(AT, N, K, E, EY) \
	VCVTPD2QQ N, N \
	VPSLLQ $52, N, N \
	VPADDQ N, E, E \
	VMOVAPD.Z E, K, E \
	VMOVUPD E, (AT)(DI) \
	VADDPD EY, Y6, Y6 \
	VEXTRACTF64X4 $1, E, EY \
	VADDPD EY, Y6, Y6

// func expScaledAVX512(sums, y *float64, x *float32, n int, shift, scale float64, series *float64)
//
// n is a positive multiple of sixteen.
TEXT ·expScaledAVX512(SB), NOSPLIT, $0-56
	EXPENTER64(Z10, Z11, Z12, Z13, Z14, Z15)
sixteen:
	ARGUMENTZ(0, Z1, Z2, K1)
	ARGUMENTZ(32, Z7, Z8, K2)
	VBROADCASTSD (DX), Z4
	VMOVAPD Z4, Z0
	SERIES(TERMZ)
	POWERZ(0, Z1, K1, Z4, Y4)
	POWERZ(64, Z7, K2, Z0, Y0)
	ADDQ $64, SI
	ADDQ $128, DI
	SUBQ $16, CX
	JNE  sixteen
	VMOVUPD Y6, (R8)
	VZEROUPPER
	RET
