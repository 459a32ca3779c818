//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// func wordBlocksAVX2(dst *wordBlock, x *float32, n int)
//
//	Y0–Y3  the 32 numbers, then their codes
//	Y15    bits of a magnitude
TEXT ·wordBlocksAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VPCMPEQD Y15, Y15, Y15
	VPSRLD $1, Y15, Y15

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
	CMPL AX, $0x71800000 // wordMost
	JGE special
	CMPL AX, $0x17800000 // wordLeast
	JLT zero

	// d, and 1/d; see wordsOf.
	ADDL $0x100, AX
	ANDL $0x7f800000, AX
	MOVL $0x86000000, BX
	SUBL AX, BX
	VMOVD BX, X9
	SUBL $0x07000000, AX
	VMOVD AX, X8
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

	// Quads 0, 2, 1, 3 become 0–3, and columns 0–3 of each become 0, 2, 1, 3.
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPERMQ $0xd8, Y0, Y0
	VPERMQ $0xd8, Y2, Y2
	VPSHUFLW $0xd8, Y0, Y0
	VPSHUFLW $0xd8, Y2, Y2
	VPSHUFHW $0xd8, Y0, Y0
	VPSHUFHW $0xd8, Y2, Y2
	VMOVDQU Y0, wordBlock_q(DI)
	VMOVDQU Y2, (wordBlock_q+32)(DI)
	VMOVSS X8, wordBlock_d(DI)
	VMOVSS X6, wordBlock_s(DI)
	MOVL BX, wordBlock_n(DI)
	MOVL AX, wordBlock_n16(DI)

next:
	ADDQ $128, SI
	ADDQ $wordBlock__size, DI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

zero:
	VPXOR Y0, Y0, Y0
	VMOVDQU Y0, (DI)
	VMOVDQU Y0, 32(DI)
	VMOVDQU X0, 64(DI)
	JMP next

special: // d and s are NaNs
	VPXOR Y0, Y0, Y0
	VMOVDQU Y0, (DI)
	VMOVDQU Y0, 32(DI)
	VMOVDQU X0, 64(DI)
	MOVL $0x7fc00000, wordBlock_d(DI)
	MOVL $0x7fc00000, wordBlock_s(DI)
	JMP next
