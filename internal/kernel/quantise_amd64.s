//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

DATA quads<>+0(SB)/4, $0
DATA quads<>+4(SB)/4, $4
DATA quads<>+8(SB)/4, $1
DATA quads<>+12(SB)/4, $5
DATA quads<>+16(SB)/4, $2
DATA quads<>+20(SB)/4, $6
DATA quads<>+24(SB)/4, $3
DATA quads<>+28(SB)/4, $7
GLOBL quads<>(SB), RODATA|NOPTR, $32

// func quantiseAVX2(dst *actBlock, x *float32, n int)
//
//	Y0–Y3  the 32 numbers, then their codes
//	Y15    bits of a magnitude;  Y14  order of the quads after packing;  X13  127
TEXT ·quantiseAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VPCMPEQD Y15, Y15, Y15
	VPSRLD $1, Y15, Y15
	VMOVDQU quads<>(SB), Y14
	MOVL $0x42fe0000, AX
	VMOVD AX, X13

block:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3

	// The largest magnitude: as integers, since these compare alike.
	VPAND Y15, Y0, Y4
	VPAND Y15, Y1, Y5
	VPAND Y15, Y2, Y6
	VPAND Y15, Y3, Y7
	VPMAXSD Y5, Y4, Y4
	VPMAXSD Y7, Y6, Y6
	VPMAXSD Y6, Y4, Y4
	VEXTRACTI128 $1, Y4, X5
	VPMAXSD X5, X4, X4
	VPSHUFD $0x4e, X4, X5
	VPMAXSD X5, X4, X4
	VPSHUFD $0xb1, X4, X5
	VPMAXSD X5, X4, X4
	VMOVD X4, AX
	CMPL AX, $0x7f800000
	JGE special
	CMPL AX, $0x03800000 // 2^-120
	JLT zero

	VDIVSS X13, X4, X8 // d
	VDIVSS X4, X13, X9 // 127/largest
	VBROADCASTSS X9, Y9
	VMULPS Y9, Y0, Y0
	VMULPS Y9, Y1, Y1
	VMULPS Y9, Y2, Y2
	VMULPS Y9, Y3, Y3
	VCVTPS2DQ Y0, Y0
	VCVTPS2DQ Y1, Y1
	VCVTPS2DQ Y2, Y2
	VCVTPS2DQ Y3, Y3

	// Sums of the first and of the second sixteen.
	VPADDD Y1, Y0, Y4
	VPADDD Y3, Y2, Y5
	VPHADDD Y5, Y4, Y4
	VPHADDD Y4, Y4, Y4
	VEXTRACTI128 $1, Y4, X5
	VPADDD X5, X4, X4
	VMOVD X4, AX
	VPEXTRD $1, X4, BX
	ADDL AX, BX
	VCVTSI2SSL BX, X6, X6
	VMULSS X6, X8, X6
	NEGL AX
	NEGL BX

	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKSSWB Y2, Y0, Y0
	VPERMD Y0, Y14, Y0
	VMOVDQU Y0, actBlock_q(DI)
	VMOVSS X8, actBlock_d(DI)
	VMOVSS X6, actBlock_s(DI)
	MOVL BX, actBlock_n(DI)
	MOVL AX, actBlock_n16(DI)

next:
	ADDQ $128, SI
	ADDQ $actBlock__size, DI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

zero:
	VPXOR Y0, Y0, Y0
	VMOVDQU Y0, (DI)
	VMOVDQU X0, 32(DI)
	JMP next

special: // an infinity or a NaN: it becomes d, and s a NaN
	VPXOR Y0, Y0, Y0
	VMOVDQU Y0, (DI)
	VMOVDQU X0, 32(DI)
	MOVL AX, actBlock_d(DI)
	MOVL $0x7fc00000, actBlock_s(DI)
	JMP next
