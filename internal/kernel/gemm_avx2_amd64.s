//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "prefetchw_amd64.h"

// Tiles of products of float32 matrices for AVX2: six rows of a times two vectors
// of b.
//
//	R8 R9     rows 0 and 3 of a; AX  bytes between rows; BX  between columns
//	SI DX     b, bytes between its rows; CX  k left; DI R12  c
//	Y12 Y13   b;  Y14 Y15  numbers of a;  Y0–Y11  sums, two registers a row
#define ROW6(m, A, C0, C1) \
	VBROADCASTSS m, A \
	VFMADD231PS Y12, A, C0 \
	VFMADD231PS Y13, A, C1

// One k: sixteen numbers of b, and six of a.
#define COLUMN(b0, b1, a0, a1, a2, a3, a4, a5) \
	VMOVUPS b0, Y12 \
	VMOVUPS b1, Y13 \
	ROW6(a0, Y14, Y0, Y1) \
	ROW6(a1, Y15, Y2, Y3) \
	ROW6(a2, Y14, Y4, Y5) \
	ROW6(a3, Y15, Y6, Y7) \
	ROW6(a4, Y14, Y8, Y9) \
	ROW6(a5, Y15, Y10, Y11)

// A line of a row of c is asked for.
#define ASK PREFETCHW_R14; ADDQ R12, R14

// func gemm6x16AVX2(t *gemmTile)
TEXT ·gemm6x16AVX2(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	MOVQ gemmTile_a(R15), R8
	MOVQ gemmTile_aRow(R15), AX
	MOVQ gemmTile_aCol(R15), BX
	SHLQ $2, AX
	SHLQ $2, BX
	LEAQ (AX)(AX*2), R12
	LEAQ (R8)(R12*1), R9
	MOVQ gemmTile_b(R15), SI
	MOVQ gemmTile_bRow(R15), DX
	SHLQ $2, DX
	MOVQ gemmTile_k(R15), CX
	MOVQ gemmTile_c(R15), DI
	MOVQ gemmTile_cRow(R15), R12
	SHLQ $2, R12
	MOVQ DI, R14
	ASK; ASK; ASK; ASK; ASK; ASK
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11
	CMPQ AX, $4
	JNE loop
	CMPQ CX, $4
	JLT loop

	// Rows of a lie side by side, as in bands: four k at a time, without counting each.
	LEAQ (BX)(BX*2), R10
	LEAQ (DX)(DX*2), R11
four:
	COLUMN((SI), 32(SI), (R8), 4(R8), 8(R8), 12(R8), 16(R8), 20(R8))
	COLUMN((SI)(DX*1), 32(SI)(DX*1), (R8)(BX*1), 4(R8)(BX*1), 8(R8)(BX*1), 12(R8)(BX*1), 16(R8)(BX*1), 20(R8)(BX*1))
	COLUMN((SI)(DX*2), 32(SI)(DX*2), (R8)(BX*2), 4(R8)(BX*2), 8(R8)(BX*2), 12(R8)(BX*2), 16(R8)(BX*2), 20(R8)(BX*2))
	COLUMN((SI)(R11*1), 32(SI)(R11*1), (R8)(R10*1), 4(R8)(R10*1), 8(R8)(R10*1), 12(R8)(R10*1), 16(R8)(R10*1), 20(R8)(R10*1))
	LEAQ (R8)(BX*4), R8
	LEAQ (SI)(DX*4), SI
	SUBQ $4, CX
	CMPQ CX, $4
	JGE four
	LEAQ 12(R8), R9
	TESTQ CX, CX
	JZ sums
loop:
	VMOVUPS (SI), Y12
	VMOVUPS 32(SI), Y13
	ROW6((R8), Y14, Y0, Y1)
	ROW6((R8)(AX*1), Y15, Y2, Y3)
	ROW6((R8)(AX*2), Y14, Y4, Y5)
	ROW6((R9), Y15, Y6, Y7)
	ROW6((R9)(AX*1), Y14, Y8, Y9)
	ROW6((R9)(AX*2), Y15, Y10, Y11)
	ADDQ BX, R8
	ADDQ BX, R9
	ADDQ DX, SI
	DECQ CX
	JNZ loop
sums:
	MOVBLZX gemmTile_addition(R15), R13
	TESTL R13, R13
	JZ store
	MOVQ DI, R14
	VADDPS (R14), Y0, Y0
	VADDPS 32(R14), Y1, Y1
	ADDQ R12, R14
	VADDPS (R14), Y2, Y2
	VADDPS 32(R14), Y3, Y3
	ADDQ R12, R14
	VADDPS (R14), Y4, Y4
	VADDPS 32(R14), Y5, Y5
	ADDQ R12, R14
	VADDPS (R14), Y6, Y6
	VADDPS 32(R14), Y7, Y7
	ADDQ R12, R14
	VADDPS (R14), Y8, Y8
	VADDPS 32(R14), Y9, Y9
	ADDQ R12, R14
	VADDPS (R14), Y10, Y10
	VADDPS 32(R14), Y11, Y11
store:
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ R12, DI
	VMOVUPS Y2, (DI)
	VMOVUPS Y3, 32(DI)
	ADDQ R12, DI
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, 32(DI)
	ADDQ R12, DI
	VMOVUPS Y6, (DI)
	VMOVUPS Y7, 32(DI)
	ADDQ R12, DI
	VMOVUPS Y8, (DI)
	VMOVUPS Y9, 32(DI)
	ADDQ R12, DI
	VMOVUPS Y10, (DI)
	VMOVUPS Y11, 32(DI)
	VZEROUPPER
	RET

// Eight rows of one column.
#define EXPAND(n, at) \
	VPSRLD $n, Y5, Y6 \
	VPAND Y4, Y6, Y6 \
	VPSUBD Y3, Y6, Y6 \
	VCVTDQ2PS Y6, Y6 \
	VMULPS Y1, Y6, Y6 \
	VMOVUPS Y6, at

#define EXPANDMIN(n, at) \
	VPSRLD $n, Y5, Y6 \
	VPAND Y4, Y6, Y6 \
	VCVTDQ2PS Y6, Y6 \
	VMULPS Y1, Y6, Y6 \
	VADDPS Y2, Y6, Y6 \
	VMOVUPS Y6, at

// func expandAVX2(e *expansion)
//
//	SI  four columns of sixteen rows, a byte each;  DI R12  numbers, bytes between columns
//	R8 R9  scales and mins;  R10  steps left;  CX  quads left in the step
//	R14  the half of the rows
TEXT ·expandAVX2(SB), NOSPLIT, $0-8
	MOVQ e+0(FP), R15
	MOVL expansion_offset(R15), AX
	MOVQ AX, X3
	VPBROADCASTD X3, Y3
	MOVL $0xff, AX
	MOVQ AX, X4
	VPBROADCASTD X4, Y4
	MOVBLZX expansion_withMins(R15), R13
	XORL R14, R14
half:
	MOVQ expansion_q(R15), SI
	MOVQ expansion_scale(R15), R8
	MOVQ expansion_mins(R15), R9
	MOVQ expansion_out(R15), DI
	ADDQ R14, SI
	ADDQ R14, R8
	ADDQ R14, R9
	ADDQ R14, DI
	MOVQ expansion_outCol(R15), R12
	SHLQ $2, R12
	LEAQ (R12)(R12*2), BX
	MOVQ expansion_steps(R15), R10
	MOVQ expansion_quads(R15), R11
step:
	VMOVUPS (R8), Y1
	ADDQ $64, R8
	MOVQ R11, CX
	TESTL R13, R13
	JZ quad
	VMOVUPS (R9), Y2
	ADDQ $64, R9
quadMins:
	VMOVDQU (SI), Y5
	EXPANDMIN(0, (DI))
	EXPANDMIN(8, (DI)(R12*1))
	EXPANDMIN(16, (DI)(R12*2))
	EXPANDMIN(24, (DI)(BX*1))
	LEAQ (DI)(R12*4), DI
	ADDQ $64, SI
	DECQ CX
	JNZ quadMins
	DECQ R10
	JNZ step
	JMP next
quad:
	VMOVDQU (SI), Y5
	EXPAND(0, (DI))
	EXPAND(8, (DI)(R12*1))
	EXPAND(16, (DI)(R12*2))
	EXPAND(24, (DI)(BX*1))
	LEAQ (DI)(R12*4), DI
	ADDQ $64, SI
	DECQ CX
	JNZ quad
	DECQ R10
	JNZ step
next:
	ADDQ $32, R14
	CMPQ R14, $64
	JLT half
	VZEROUPPER
	RET

// Eight rows of src at R8, turned to eight rows of dst at R9. Pairs of rows are interleaved by
// number, then by two, then by halves.
#define TRANSPOSE8 \
	LEAQ (CX)(CX*2), BX \
	LEAQ (R8)(CX*4), R10 \
	VMOVUPS (R8), Y0 \
	VMOVUPS (R8)(CX*1), Y1 \
	VMOVUPS (R8)(CX*2), Y2 \
	VMOVUPS (R8)(BX*1), Y3 \
	VMOVUPS (R10), Y4 \
	VMOVUPS (R10)(CX*1), Y5 \
	VMOVUPS (R10)(CX*2), Y6 \
	VMOVUPS (R10)(BX*1), Y7 \
	VUNPCKLPS Y1, Y0, Y8 \
	VUNPCKHPS Y1, Y0, Y9 \
	VUNPCKLPS Y3, Y2, Y10 \
	VUNPCKHPS Y3, Y2, Y11 \
	VUNPCKLPS Y5, Y4, Y12 \
	VUNPCKHPS Y5, Y4, Y13 \
	VUNPCKLPS Y7, Y6, Y14 \
	VUNPCKHPS Y7, Y6, Y15 \
	VUNPCKLPD Y10, Y8, Y0 \
	VUNPCKHPD Y10, Y8, Y1 \
	VUNPCKLPD Y11, Y9, Y2 \
	VUNPCKHPD Y11, Y9, Y3 \
	VUNPCKLPD Y14, Y12, Y4 \
	VUNPCKHPD Y14, Y12, Y5 \
	VUNPCKLPD Y15, Y13, Y6 \
	VUNPCKHPD Y15, Y13, Y7 \
	VPERM2F128 $0x20, Y4, Y0, Y8 \
	VPERM2F128 $0x20, Y5, Y1, Y9 \
	VPERM2F128 $0x20, Y6, Y2, Y10 \
	VPERM2F128 $0x20, Y7, Y3, Y11 \
	VPERM2F128 $0x31, Y4, Y0, Y12 \
	VPERM2F128 $0x31, Y5, Y1, Y13 \
	VPERM2F128 $0x31, Y6, Y2, Y14 \
	VPERM2F128 $0x31, Y7, Y3, Y15 \
	LEAQ (DX)(DX*2), BX \
	LEAQ (R9)(DX*4), R10 \
	VMOVUPS Y8, (R9) \
	VMOVUPS Y9, (R9)(DX*1) \
	VMOVUPS Y10, (R9)(DX*2) \
	VMOVUPS Y11, (R9)(BX*1) \
	VMOVUPS Y12, (R10) \
	VMOVUPS Y13, (R10)(DX*1) \
	VMOVUPS Y14, (R10)(DX*2) \
	VMOVUPS Y15, (R10)(BX*1)

// func transpose16AVX2(dst *float32, dstRow int, src *float32, srcRow int)
//
// All right halves of rows of dst are written before the left ones: rows may overlap, if
// they are at least twelve numbers apart.
TEXT ·transpose16AVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dstRow+8(FP), DX
	MOVQ src+16(FP), SI
	MOVQ srcRow+24(FP), CX
	SHLQ $2, DX
	SHLQ $2, CX
	LEAQ (SI)(CX*8), R11 // row 8 of src
	LEAQ (DI)(DX*8), R12 // row 8 of dst
	MOVQ R11, R8
	LEAQ 32(DI), R9
	TRANSPOSE8
	LEAQ 32(R11), R8
	LEAQ 32(R12), R9
	TRANSPOSE8
	MOVQ SI, R8
	MOVQ DI, R9
	TRANSPOSE8
	LEAQ 32(SI), R8
	MOVQ R12, R9
	TRANSPOSE8
	VZEROUPPER
	RET
