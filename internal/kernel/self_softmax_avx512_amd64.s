//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "exp_avx512_amd64.h"
#include "registers_avx512_amd64.h"

// func softmaxTriangleAVX512(t *softmaxTriangle)
//
// Of each row the steps of softmaxAVX512, and then its numbers times one over their sum.
// What lacks to sixteen counts as 0: e^-Inf would come to the same, but to get there the
// processor stops for as long as the rest of a row takes.
//
//	DI  the row;  R8  its scores, of which CX in whole registers, and those of K1
//	R9  end;  Z1  the largest, Z2  the sum
TEXT ·softmaxTriangleAVX512(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	MOVQ softmaxTriangle_p(R15), DI
	MOVQ softmaxTriangle_n(R15), R10
	MOVQ softmaxTriangle_to(R15), R8
	MOVQ softmaxTriangle_end(R15), R9
	VBROADCASTSS softmaxTriangle_scale(R15), Z3
	VBROADCASTSS expConst<>+0(SB), Z14
	VPXORD Z13, Z13, Z13
	EXPENTER
rows:
	MOVQ R8, CX
	ANDQ $15, CX
	MOVL $1, AX
	SHLL CX, AX
	DECL AX
	KMOVW AX, K1
	MOVQ R8, CX
	ANDQ $-16, CX

	VMOVAPS Z14, Z1
	XORL AX, AX
	CMPQ AX, CX
	JGE largest
scale:
	VMULPS (DI)(AX*4), Z3, Z0
	VMAXPS Z1, Z0, Z1
	ADDQ $16, AX
	CMPQ AX, CX
	JLT scale
largest:
	KTESTW K1, K1
	JEQ reduce
	VMOVAPS Z14, Z0
	VMULPS (DI)(AX*4), Z3, K1, Z0
	VMAXPS Z1, Z0, Z1
reduce:
	ACROSS(VMAXPS, Z1, Y1, X1, Y15, X15)
	VBROADCASTSS X1, Z1

	VPXORD Z2, Z2, Z2
	XORL AX, AX
	CMPQ AX, CX
	JGE rest
exp:
	VMULPS (DI)(AX*4), Z3, Z0
	VSUBPS Z1, Z0, Z0
	EXPZ(Z0, Z5, Z4, Z6)
	VMOVUPS Z5, (DI)(AX*4)
	VADDPS Z5, Z2, Z2
	ADDQ $16, AX
	CMPQ AX, CX
	JLT exp
rest:
	KTESTW K1, K1
	JEQ sum
	VMULPS.Z (DI)(AX*4), Z3, K1, Z0
	VSUBPS.Z Z1, Z0, K1, Z0
	EXPZ(Z0, Z5, Z4, Z6)
	VMOVAPS.Z Z5, K1, Z5
	VMOVUPS Z5, (DI)(AX*4)
	VADDPS Z5, Z2, Z2
sum:
	ACROSS(VADDPS, Z2, Y2, X2, Y15, X15)
	VDIVSS X2, X27, X2
	VBROADCASTSS X2, Z2

	XORL AX, AX
	CMPQ AX, CX
	JGE last
weights:
	VMULPS (DI)(AX*4), Z2, Z0
	VMOVUPS Z0, (DI)(AX*4)
	ADDQ $16, AX
	CMPQ AX, CX
	JLT weights
last:
	KTESTW K1, K1
	JEQ zeros
	VMULPS.Z (DI)(AX*4), Z2, K1, Z0
	VMOVUPS Z0, (DI)(AX*4)
	ADDQ $16, AX
zeros:
	CMPQ AX, R9
	JGE next
	VMOVUPS Z13, (DI)(AX*4)
	ADDQ $16, AX
	JMP zeros
next:
	ADDQ softmaxTriangle_row(R15), DI
	INCQ R8
	DECQ R10
	JNZ rows
	VZEROUPPER
	RET

// func softmaxBackAVX512(t *softmaxRowsBack)
//
// Of each row first the sum of products in Z0, as Dot adds it up, then its numbers.
TEXT ·softmaxBackAVX512(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	MOVQ softmaxRowsBack_p(R15), SI
	MOVQ softmaxRowsBack_g(R15), DI
	MOVQ softmaxRowsBack_row(R15), DX
	MOVQ softmaxRowsBack_n(R15), R10
	MOVQ softmaxRowsBack_end(R15), CX
	VBROADCASTSS softmaxRowsBack_scale(R15), Z3
rows:
	VPXORD Z0, Z0, Z0
	XORL AX, AX
dot:
	VMOVUPS (SI)(AX*4), Z1
	VFMADD231PS (DI)(AX*4), Z1, Z0
	ADDQ $16, AX
	CMPQ AX, CX
	JLT dot
	ACROSS(VADDPS, Z0, Y0, X0, Y15, X15)
	VBROADCASTSS X0, Z0
	XORL AX, AX
numbers:
	VMOVUPS (DI)(AX*4), Z1
	VSUBPS Z0, Z1, Z1
	VMULPS (SI)(AX*4), Z3, Z2
	VMULPS Z2, Z1, Z1
	VMOVUPS Z1, (DI)(AX*4)
	ADDQ $16, AX
	CMPQ AX, CX
	JLT numbers
	ADDQ DX, SI
	ADDQ DX, DI
	DECQ R10
	JNZ rows
	VZEROUPPER
	RET
