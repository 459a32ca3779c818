//go:build !purego

#include "textflag.h"

// Updates of low rank for AVX2 and FMA: panels of 32 outputs, one after the other,
// of one row, see LowRanks.
//
//	DI       y, at the panel;  SI  z
//	DX       weights, [R][32] a panel;  BX  panels left
//	AX       number in z;  CX  R
//	Y0–Y3    weights of one number;  Y4  the number
//	Y8–Y11   sums

#define F32AT(p, Y) VMOVUPS p, Y
#define F16AT(p, Y) VCVTPH2PS p, Y
#define BF16AT(p, Y) VPMOVZXWD p, Y; VPSLLD $16, Y, Y

#define PUT(at, A) VADDPS at(DI), A, A; VMOVUPS A, at(DI)

#define EXPAND(AT, size) \
	MOVQ y+0(FP), DI \
	MOVQ z+8(FP), SI \
	MOVQ w+16(FP), DX \
	MOVQ r+40(FP), CX \
	MOVQ panels+48(FP), BX \
panel: \
	VPXOR Y8, Y8, Y8 \
	VPXOR Y9, Y9, Y9 \
	VPXOR Y10, Y10, Y10 \
	VPXOR Y11, Y11, Y11 \
	XORL AX, AX \
number: \
	VBROADCASTSS (SI)(AX*4), Y4 \
	AT((DX), Y0) \
	AT((8*size)(DX), Y1) \
	AT((16*size)(DX), Y2) \
	AT((24*size)(DX), Y3) \
	VFMADD231PS Y0, Y4, Y8 \
	VFMADD231PS Y1, Y4, Y9 \
	VFMADD231PS Y2, Y4, Y10 \
	VFMADD231PS Y3, Y4, Y11 \
	ADDQ $(32*size), DX \
	INCQ AX \
	CMPQ AX, CX \
	JLT number \
	PUT(0, Y8) \
	PUT(32, Y9) \
	PUT(64, Y10) \
	PUT(96, Y11) \
	ADDQ $128, DI \
	DECQ BX \
	JNE panel \
	VZEROUPPER \
	RET

// func expandF32x1AVX2(y, z *float32, w *byte, yStride, zStride, r, panels int)
TEXT ·expandF32x1AVX2(SB), NOSPLIT, $0-56
	EXPAND(F32AT, 4)

TEXT ·expandF16x1AVX2(SB), NOSPLIT, $0-56
	EXPAND(F16AT, 2)

TEXT ·expandBF16x1AVX2(SB), NOSPLIT, $0-56
	EXPAND(BF16AT, 2)
