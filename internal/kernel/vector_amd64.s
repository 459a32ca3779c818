//go:build !purego

#include "textflag.h"

// Operations on rows for AVX2. n is a positive multiple of 8, for those that sum
// in sixteen partial sums of 16.

// func mulScaledAVX2(y, x, w *float32, s float32, n int)
TEXT ·mulScaledAVX2(SB), NOSPLIT, $0-40
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ w+16(FP), DX
	VBROADCASTSS s+24(FP), Y1
	MOVQ n+32(FP), CX
	XORQ AX, AX
loop:
	VMULPS (SI)(AX*4), Y1, Y0
	VMULPS (DX)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func scaleAVX2(y, x *float32, s float32, n int)
TEXT ·scaleAVX2(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSS s+16(FP), Y1
	MOVQ n+24(FP), CX
	XORQ AX, AX
loop:
	VMULPS (SI)(AX*4), Y1, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func shiftAVX2(y, x *float32, s float32, n int)
TEXT ·shiftAVX2(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSS s+16(FP), Y1
	MOVQ n+24(FP), CX
	XORQ AX, AX
loop:
	VADDPS (SI)(AX*4), Y1, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func addAVX2(y, a, b *float32, n int)
TEXT ·addAVX2(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	XORQ AX, AX
loop:
	VMOVUPS (SI)(AX*4), Y0
	VADDPS (DX)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func mulAddAVX2(y, a *float32, w float32, b *float32, n int)
TEXT ·mulAddAVX2(SB), NOSPLIT, $0-40
	MOVQ y+0(FP), DI
	MOVQ a+8(FP), SI
	VBROADCASTSS w+16(FP), Y1
	MOVQ b+24(FP), DX
	MOVQ n+32(FP), CX
	XORQ AX, AX
loop:
	VMOVUPS (SI)(AX*4), Y0
	VFMADD213PS (DX)(AX*4), Y1, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func rotateAVX2(y, x, cos, sin *float32, half, n int)
//
// The second of each pair lies half numbers after the first: R8 and R9.
TEXT ·rotateAVX2(SB), NOSPLIT, $0-48
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ cos+16(FP), DX
	MOVQ sin+24(FP), BX
	MOVQ half+32(FP), R8
	MOVQ n+40(FP), CX
	LEAQ (DI)(R8*4), R9
	LEAQ (SI)(R8*4), R8
	XORQ AX, AX
loop:
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (R8)(AX*4), Y1
	VMOVUPS (DX)(AX*4), Y2
	VMOVUPS (BX)(AX*4), Y3
	VMULPS Y2, Y0, Y4
	VMULPS Y3, Y1, Y5
	VSUBPS Y5, Y4, Y4
	VMULPS Y2, Y1, Y1
	VMULPS Y3, Y0, Y0
	VADDPS Y0, Y1, Y1
	VMOVUPS Y4, (DI)(AX*4)
	VMOVUPS Y1, (R9)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func dotLanesAVX2(sum *[16]float32, x, y *float32, n int)
TEXT ·dotLanesAVX2(SB), NOSPLIT, $0-32
	MOVQ sum+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ n+24(FP), CX
	XORQ AX, AX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
loop:
	VMOVUPS (SI)(AX*4), Y2
	VMOVUPS 32(SI)(AX*4), Y3
	VFMADD231PS (DX)(AX*4), Y2, Y0
	VFMADD231PS 32(DX)(AX*4), Y3, Y1
	ADDQ $16, AX
	CMPQ AX, CX
	JLT  loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET

// func sumLanesAVX2(sum *[16]float32, x *float32, n int)
TEXT ·sumLanesAVX2(SB), NOSPLIT, $0-24
	MOVQ sum+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ AX, AX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
loop:
	VADDPS (SI)(AX*4), Y0, Y0
	VADDPS 32(SI)(AX*4), Y1, Y1
	ADDQ $16, AX
	CMPQ AX, CX
	JLT  loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET

// func sumWideAVX2(sum *[16]float64, x *float32, n int)
TEXT ·sumWideAVX2(SB), NOSPLIT, $0-24
	MOVQ sum+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ AX, AX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
loop:
	VCVTPS2PD (SI)(AX*4), Y4
	VCVTPS2PD 16(SI)(AX*4), Y5
	VCVTPS2PD 32(SI)(AX*4), Y6
	VCVTPS2PD 48(SI)(AX*4), Y7
	VADDPD Y4, Y0, Y0
	VADDPD Y5, Y1, Y1
	VADDPD Y6, Y2, Y2
	VADDPD Y7, Y3, Y3
	ADDQ $16, AX
	CMPQ AX, CX
	JLT  loop
	VMOVUPD Y0, (DI)
	VMOVUPD Y1, 32(DI)
	VMOVUPD Y2, 64(DI)
	VMOVUPD Y3, 96(DI)
	VZEROUPPER
	RET

// func largestAVX2(x *float32, n int) float32
//
// The largest, or NaN if there is one. n is a positive multiple of 32. Y4 to Y7 have ones where there was a NaN.
#define LARGER(AT, TOP, NAN) \
	VMOVUPS AT(SI)(AX*4), Y8 \
	VMAXPS TOP, Y8, TOP \
	VCMPPS $3, Y8, Y8, Y9 \
	VORPS Y9, NAN, NAN
TEXT ·largestAVX2(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	XORQ AX, AX
	VMOVUPS (SI), Y0
	VMOVAPS Y0, Y1
	VMOVAPS Y0, Y2
	VMOVAPS Y0, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
loop:
	LARGER(0, Y0, Y4)
	LARGER(32, Y1, Y5)
	LARGER(64, Y2, Y6)
	LARGER(96, Y3, Y7)
	ADDQ $32, AX
	CMPQ AX, CX
	JLT  loop
	VMAXPS Y0, Y1, Y0
	VMAXPS Y2, Y3, Y2
	VMAXPS Y0, Y2, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X0, X1, X0
	VPERMILPS $0x4e, X0, X1
	VMAXPS X0, X1, X0
	VPERMILPS $0xb1, X0, X1
	VMAXPS X0, X1, X0
	VORPS Y4, Y5, Y4
	VORPS Y6, Y7, Y6
	VORPS Y4, Y6, Y4 // ones are a NaN
	VEXTRACTF128 $1, Y4, X5
	VORPS X4, X5, X4
	VPERMILPS $0x4e, X4, X5
	VORPS X4, X5, X4
	VPERMILPS $0xb1, X4, X5
	VORPS X4, X5, X4
	VORPS X4, X0, X0
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// func maxLanesAVX2(top *[16]float32, x *float32, n int)
//
// Of a NaN and the largest so far the second operand stays, the largest.
TEXT ·maxLanesAVX2(SB), NOSPLIT, $0-24
	MOVQ top+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ AX, AX
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
loop:
	VMOVUPS (SI)(AX*4), Y2
	VMOVUPS 32(SI)(AX*4), Y3
	VMAXPS Y0, Y2, Y0
	VMAXPS Y1, Y3, Y1
	ADDQ $16, AX
	CMPQ AX, CX
	JLT  loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET
