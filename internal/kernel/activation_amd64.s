//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "exp_avx2_amd64.h"

// Operations on single numbers for AVX2, eight at a time. exp.go says what is
// computed and in which steps; n is a positive multiple of 8.

CONST(half, 0xbf000000) // -0.5
CONST(sign, 0x80000000)
CONST(abs, 0x7fffffff)
CONST(tanhBound, 0x3f200000) // 0.625
CONST(tanh4, 0xbbbaf0ea) // -0.0057049887254834175
CONST(tanh3, 0x3ca9134e) // 0.0206390880048275
CONST(tanh2, 0xbd5c1e2d) // -0.05373971536755562
CONST(tanh1, 0x3e088393) // 0.13331441581249237
CONST(tanh0, 0xbeaaaa99) // -0.3333328068256378
CONST(two, 0x40000000) // 2.0
CONST(geluMax, 0x41680000) // 14.5
CONST(geluT, 0x3e99999a) // 0.30000001192092896
CONST(gelu9, 0xbca8f2c3) // -0.020623570308089256
CONST(gelu8, 0x3de644ec) // 0.11243614554405212
CONST(gelu7, 0xbe69b124) // -0.2282148003578186
CONST(gelu6, 0x3e446392) // 0.19178608059883118
CONST(gelu5, 0xbda2a972) // -0.07942475378513336
CONST(gelu4, 0x3dc4ee37) // 0.0961574837565422
CONST(gelu3, 0x3da08aa3) // 0.07838942855596542
CONST(gelu2, 0x3de1c323) // 0.11023547500371933
CONST(gelu1, 0x3df4e211) // 0.11957181245088577
CONST(gelu0, 0x3df51e4c) // 0.11968669295310974
CONST(cubic, 0x3d372713) // 0.044714998453855515
CONST(twice, 0xbfcc422a) // -1.5957691669464111

// Y4 = tanh Y0. Y1 to Y7 are overwritten.
#define TANH \
	VANDPS abs<>(SB), Y0, Y6 \
	VADDPS Y6, Y6, Y1 \
	EXP(Y1, Y4, Y2, Y3, Y5) \
	VADDPS Y13, Y4, Y4 \
	VMOVUPS two<>(SB), Y5 \
	VDIVPS Y4, Y5, Y4 \
	VSUBPS Y4, Y13, Y4 \
	VANDPS sign<>(SB), Y0, Y5 \
	VORPS Y5, Y4, Y4 \
	VMULPS Y0, Y0, Y1 \
	VMOVUPS tanh4<>(SB), Y2 \
	VFMADD213PS tanh3<>(SB), Y1, Y2 \
	VFMADD213PS tanh2<>(SB), Y1, Y2 \
	VFMADD213PS tanh1<>(SB), Y1, Y2 \
	VFMADD213PS tanh0<>(SB), Y1, Y2 \
	VMULPS Y1, Y2, Y2 \
	VFMADD213PS Y0, Y0, Y2 \
	VCMPPS $17, tanhBound<>(SB), Y6, Y7 \
	VBLENDVPS Y7, Y2, Y4, Y4

// Activations take x from SI, multiply by w from DX unless that is nil, and write
// to DI; AX counts to CX.
#define ACT_ARGS \
	MOVQ y+0(FP), DI \
	MOVQ x+8(FP), SI \
	MOVQ w+16(FP), DX \
	MOVQ n+24(FP), CX \
	XORQ AX, AX \
	EXP_CONSTANTS

#define ACT_NEXT \
	TESTQ DX, DX \
	JEQ   alone \
	VMULPS (DX)(AX*4), Y4, Y4 \
alone: \
	VMOVUPS Y4, (DI)(AX*4) \
	ADDQ $8, AX \
	CMPQ AX, CX \
	JLT  loop

// func siluAVX2(y, x, w *float32, n int)
TEXT ·siluAVX2(SB), NOSPLIT, $0-32
	ACT_ARGS
loop:
	VMOVUPS (SI)(AX*4), Y0
	VXORPS sign<>(SB), Y0, Y1
	EXP(Y1, Y4, Y2, Y3, Y5)
	VADDPS Y13, Y4, Y4
	VDIVPS Y4, Y0, Y4
	ACT_NEXT
	VZEROUPPER
	RET

// func siluBackAVX2(t *gluBackStep)
//
//	Y0 x = gate  Y5 s = 1/(1+e^-x)  Y6 x s  Y7 s (1 + x (1-s))  Y8 gy
TEXT ·siluBackAVX2(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	MOVQ gluBackStep_gg(R15), DI
	MOVQ gluBackStep_gu(R15), R8
	MOVQ gluBackStep_gy(R15), SI
	MOVQ gluBackStep_gate(R15), DX
	MOVQ gluBackStep_up(R15), BX
	MOVQ gluBackStep_n(R15), CX
	XORQ AX, AX
	EXP_CONSTANTS
loop:
	VMOVUPS (DX)(AX*4), Y0
	VMOVUPS (SI)(AX*4), Y8
	VXORPS sign<>(SB), Y0, Y1
	EXP(Y1, Y4, Y2, Y3, Y5)
	VADDPS Y13, Y4, Y4
	VDIVPS Y4, Y13, Y5
	VMULPS Y5, Y0, Y6
	VSUBPS Y5, Y13, Y7
	VMULPS Y0, Y7, Y7
	VADDPS Y13, Y7, Y7
	VMULPS Y5, Y7, Y7
	VMULPS (BX)(AX*4), Y8, Y9
	VMULPS Y7, Y9, Y9
	VMULPS Y6, Y8, Y8
	VMOVUPS Y9, (DI)(AX*4)
	VMOVUPS Y8, (R8)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func geluAVX2(y, x, w *float32, n int)
TEXT ·geluAVX2(SB), NOSPLIT, $0-32
	ACT_ARGS
	VXORPS Y12, Y12, Y12
	VMOVUPS geluMax<>(SB), Y11
loop:
	VMOVUPS (SI)(AX*4), Y0
	VANDPS abs<>(SB), Y0, Y6
	VMINPS Y6, Y11, Y6 // a
	VMOVAPS Y13, Y7
	VFMADD231PS geluT<>(SB), Y6, Y7
	VDIVPS Y7, Y13, Y7 // t
	VMOVUPS gelu9<>(SB), Y8
	VFMADD213PS gelu8<>(SB), Y7, Y8
	VFMADD213PS gelu7<>(SB), Y7, Y8
	VFMADD213PS gelu6<>(SB), Y7, Y8
	VFMADD213PS gelu5<>(SB), Y7, Y8
	VFMADD213PS gelu4<>(SB), Y7, Y8
	VFMADD213PS gelu3<>(SB), Y7, Y8
	VFMADD213PS gelu2<>(SB), Y7, Y8
	VFMADD213PS gelu1<>(SB), Y7, Y8
	VFMADD213PS gelu0<>(SB), Y7, Y8
	VMULPS Y7, Y8, Y8 // r
	VMULPS Y6, Y6, Y1 // z
	VMOVAPS Y1, Y9
	VFMSUB231PS Y6, Y6, Y9 // what z lacks
	VMULPS half<>(SB), Y9, Y9
	VMULPS half<>(SB), Y1, Y1
	EXP(Y1, Y4, Y2, Y3, Y5)
	VMOVAPS Y4, Y5
	VFMADD231PS Y9, Y5, Y4
	VMULPS Y8, Y4, Y8
	VMAXPS Y0, Y12, Y4
	VFNMADD231PS Y8, Y6, Y4
	ACT_NEXT
	VZEROUPPER
	RET

// func geluTanhAVX2(y, x, w *float32, n int)
TEXT ·geluTanhAVX2(SB), NOSPLIT, $0-32
	ACT_ARGS
loop:
	VMOVUPS (SI)(AX*4), Y0
	VMULPS Y0, Y0, Y2
	VMOVAPS Y13, Y1
	VFMADD231PS cubic<>(SB), Y2, Y1
	VMULPS Y0, Y1, Y1
	VMULPS twice<>(SB), Y1, Y1
	EXP(Y1, Y4, Y2, Y3, Y5)
	VADDPS Y13, Y4, Y4
	VDIVPS Y4, Y0, Y4
	ACT_NEXT
	VZEROUPPER
	RET

// func tanhAVX2(y, x, w *float32, n int)
TEXT ·tanhAVX2(SB), NOSPLIT, $0-32
	ACT_ARGS
loop:
	VMOVUPS (SI)(AX*4), Y0
	TANH
	ACT_NEXT
	VZEROUPPER
	RET

// func softCapAVX2(y, x *float32, c float32, n int)
TEXT ·softCapAVX2(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSS c+16(FP), Y8
	MOVQ n+24(FP), CX
	XORQ AX, AX
	EXP_CONSTANTS
loop:
	VMOVUPS (SI)(AX*4), Y0
	VDIVPS Y8, Y0, Y0
	TANH
	VMULPS Y8, Y4, Y4
	VMOVUPS Y4, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func expShiftedAVX2(y, x *float32, m float32, n int)
TEXT ·expShiftedAVX2(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSS m+16(FP), Y8
	MOVQ n+24(FP), CX
	XORQ AX, AX
	EXP_CONSTANTS
loop:
	VMOVUPS (SI)(AX*4), Y1
	VSUBPS Y8, Y1, Y1
	EXP(Y1, Y4, Y2, Y3, Y5)
	VMOVUPS Y4, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET
