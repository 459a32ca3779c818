//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "prefetchw_amd64.h"
#include "registers_avx2_amd64.h"

// Products of integers for AVX2: see gemm_wholes.go. A register holds pairs of numbers, k even
// in the lower and k odd in the upper half of 32 bits.

CONST(magnitude, 0x7fffffff)
CONST(most, 0x4534f000) // wholeMost
CONST(least, 0x0d800000) // 2^-100
CONST(greatest, 0x7f7fffff) // of the finite numbers
CONST(nan, 0x7fc00000)

// A tile: six rows of a times two vectors of b.
//
//	R8 R9     rows 0 and 3 of a; AX  bytes between rows; BX  between columns
//	SI DX     b, bytes between its rows; CX  pairs left; DI R12  c
//	Y12 Y13   b;  Y14 Y15  a pair of a, products;  Y0–Y11  sums, two registers a row
#define ROW6(m, C0, C1) \
	VPBROADCASTD m, Y14 \
	VPMADDWD Y12, Y14, Y15 \
	VPMADDWD Y13, Y14, Y14 \
	VPADDD Y15, C0, C0 \
	VPADDD Y14, C1, C1

// One pair of k: sixteen pairs of b, and six of a.
#define COLUMN(b0, b1, a0, a1, a2, a3, a4, a5) \
	VMOVDQU b0, Y12 \
	VMOVDQU b1, Y13 \
	ROW6(a0, Y0, Y1) \
	ROW6(a1, Y2, Y3) \
	ROW6(a2, Y4, Y5) \
	ROW6(a3, Y6, Y7) \
	ROW6(a4, Y8, Y9) \
	ROW6(a5, Y10, Y11)

#define ZERO(A, B) VPXOR A, A, A; VPXOR B, B, B

// Sums with their scales: of the row in m, of the columns in Y12 and Y13.
#define SCALED(m, C0, C1) \
	VBROADCASTSS m, Y15 \
	VMULPS Y12, Y15, Y14 \
	VMULPS Y13, Y15, Y15 \
	VCVTDQ2PS C0, C0 \
	VCVTDQ2PS C1, C1 \
	VMULPS Y14, C0, C0 \
	VMULPS Y15, C1, C1

// PUT and ADDED write a row, and go on to the next.
#define PUT(m, C0, C1) \
	SCALED(m, C0, C1) \
	VMOVUPS C0, (DI) \
	VMOVUPS C1, 32(DI) \
	ADDQ R12, DI
#define ADDED(m, C0, C1) \
	SCALED(m, C0, C1) \
	VADDPS (DI), C0, C0 \
	VADDPS 32(DI), C1, C1 \
	VMOVUPS C0, (DI) \
	VMOVUPS C1, 32(DI) \
	ADDQ R12, DI

#define SIX(OP) \
	OP((R8), Y0, Y1) \
	OP(4(R8), Y2, Y3) \
	OP(8(R8), Y4, Y5) \
	OP(12(R8), Y6, Y7) \
	OP(16(R8), Y8, Y9) \
	OP(20(R8), Y10, Y11)

// A line of a row of c is asked for.
#define ASK PREFETCHW_R14; ADDQ R12, R14

// func gemmWholes6x16AVX2(t *gemmTile)
//
// Numbers of a column of a lie side by side, as in bands.
TEXT ·gemmWholes6x16AVX2(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R15
	MOVQ gemmTile_a(R15), R8
	MOVQ gemmTile_aCol(R15), BX
	SHLQ $2, BX
	MOVQ gemmTile_b(R15), SI
	MOVQ gemmTile_bRow(R15), DX
	SHLQ $2, DX
	MOVQ gemmTile_k(R15), CX
	MOVQ gemmTile_c(R15), DI
	MOVQ gemmTile_cRow(R15), R12
	SHLQ $2, R12
	MOVQ DI, R14
	ASK; ASK; ASK; ASK; ASK; ASK
	ZERO(Y0, Y1)
	ZERO(Y2, Y3)
	ZERO(Y4, Y5)
	ZERO(Y6, Y7)
	ZERO(Y8, Y9)
	ZERO(Y10, Y11)
	SUBQ $2, CX
	JLT rest
	PCALIGN $32
two:
	COLUMN((SI), 32(SI), (R8), 4(R8), 8(R8), 12(R8), 16(R8), 20(R8))
	COLUMN((SI)(DX*1), 32(SI)(DX*1), (R8)(BX*1), 4(R8)(BX*1), 8(R8)(BX*1), 12(R8)(BX*1), 16(R8)(BX*1), 20(R8)(BX*1))
	LEAQ (R8)(BX*2), R8
	LEAQ (SI)(DX*2), SI
	SUBQ $2, CX
	JGE two
rest:
	ADDQ $2, CX
	JZ sums
	COLUMN((SI), 32(SI), (R8), 4(R8), 8(R8), 12(R8), 16(R8), 20(R8))
sums:
	MOVQ gemmTile_aScale(R15), R8
	MOVQ gemmTile_bScale(R15), R9
	VMOVUPS (R9), Y12
	VMOVUPS 32(R9), Y13
	MOVBLZX gemmTile_addition(R15), R13
	TESTL R13, R13
	JZ store
	SIX(ADDED)
	VZEROUPPER
	RET
store:
	SIX(PUT)
	VZEROUPPER
	RET

// MAGNITUDE keeps the largest magnitudes, or what is not finite.
#define MAGNITUDE(m, most) VPAND m, Y15, Y14; VPMAXUD Y14, most, most

// INVERSE makes of the largest magnitudes m the scales, and of these what numbers are multiplied with.
#define INVERSE(m, scale) \
	VMOVUPS most<>(SB), Y13 \
	VDIVPS Y13, m, scale \
	VDIVPS m, Y13, Y12 \
	VMOVUPS least<>(SB), Y14 \
	VPCMPGTD m, Y14, Y14 \
	VPCMPGTD greatest<>(SB), m, Y13 \
	VANDNPS scale, Y14, scale \
	VBLENDVPS Y13, nan<>(SB), scale, scale \
	VPOR Y13, Y14, Y14 \
	VANDNPS Y12, Y14, m

// func wholesAlongAVX2(dst, src *float32, n int) (scale float32)
//
// n is a multiple of 16.
TEXT ·wholesAlongAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VMOVDQU magnitude<>(SB), Y15
	ZERO(Y0, Y1)
	ZERO(Y2, Y3)
	MOVQ SI, R8
	MOVQ CX, DX
most:
	MAGNITUDE((R8), Y0)
	MAGNITUDE(32(R8), Y1)
	MAGNITUDE(64(R8), Y2)
	MAGNITUDE(96(R8), Y3)
	ADDQ $128, R8
	SUBQ $16, DX
	JNE most
	VPMAXUD Y1, Y0, Y0
	VPMAXUD Y3, Y2, Y2
	VPMAXUD Y2, Y0, Y0
	ACROSS(VPMAXUD, Y0, X0, X1)
	VPBROADCASTD X0, Y0
	INVERSE(Y0, Y1)
	VMOVSS X1, scale+24(FP)
	PCALIGN $32
pairs:
	VMULPS (SI), Y0, Y1
	VMULPS 32(SI), Y0, Y2
	VMULPS 64(SI), Y0, Y3
	VMULPS 96(SI), Y0, Y4
	VCVTPS2DQ Y1, Y1
	VCVTPS2DQ Y2, Y2
	VCVTPS2DQ Y3, Y3
	VCVTPS2DQ Y4, Y4
	VPACKSSDW Y2, Y1, Y1
	VPACKSSDW Y4, Y3, Y3
	VPERMQ $0xd8, Y1, Y1
	VPERMQ $0xd8, Y3, Y3
	VMOVDQU Y1, (DI)
	VMOVDQU Y3, 32(DI)
	ADDQ $128, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNE pairs
	VZEROUPPER
	RET

// EIGHT is the pairs of eight columns at m, of which inverse has what they are multiplied with.
#define EIGHT(m, inverse) \
	VMULPS (m)(SI), inverse, Y8 \
	VMULPS (m)(SI)(DX*1), inverse, Y9 \
	VCVTPS2DQ Y8, Y8 \
	VCVTPS2DQ Y9, Y9 \
	VPSLLD $16, Y9, Y9 \
	VPBLENDW $0xaa, Y9, Y8, Y8 \
	VMOVDQU Y8, m(DI)

// func wholesDownAVX2(dst, scales, src *float32, row, n int)
TEXT ·wholesDownAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ scales+8(FP), BX
	MOVQ src+16(FP), SI
	MOVQ row+24(FP), DX
	SHLQ $2, DX
	MOVQ n+32(FP), CX
	VMOVDQU magnitude<>(SB), Y15
	ZERO(Y0, Y1)
	ZERO(Y2, Y3)
	MOVQ SI, R8
	LEAQ (CX)(CX*1), R9
most:
	MAGNITUDE((R8), Y0)
	MAGNITUDE(32(R8), Y1)
	MAGNITUDE(64(R8), Y2)
	MAGNITUDE(96(R8), Y3)
	ADDQ DX, R8
	DECQ R9
	JNE most
	INVERSE(Y0, Y4)
	INVERSE(Y1, Y5)
	INVERSE(Y2, Y6)
	INVERSE(Y3, Y7)
	VMOVUPS Y4, (BX)
	VMOVUPS Y5, 32(BX)
	VMOVUPS Y6, 64(BX)
	VMOVUPS Y7, 96(BX)
	PCALIGN $32
pairs:
	EIGHT(0, Y0)
	EIGHT(32, Y1)
	EIGHT(64, Y2)
	EIGHT(96, Y3)
	LEAQ (SI)(DX*2), SI
	ADDQ $128, DI
	DECQ CX
	JNE pairs
	VZEROUPPER
	RET
