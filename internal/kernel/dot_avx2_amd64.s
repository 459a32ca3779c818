//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// Dot products for AVX2 and FMA: four rows of float weights times 1 or 2 rows of
// activations ("tokens"), in sixteen partial sums each, see dot. Two tokens take
// two passes over the rows, for sums 0–7 and 8–15, as there are 16 registers.
//
//	R8–R11    rows of weights
//	DI R12    activations of tokens 0 and 1
//	SI        numbers done;  CX  steps of sixteen left;  BX  1 while the tail is to be done
//	R13 DX    where this pass begins in a step, in bytes of activations and of weights
//	Y0–Y3     weights of the four rows;  Y4  activations
//	Y8–Y15    sums: of token 0, 0–7 and 8–15 of four rows each; or of tokens 0 and 1

// Eight weights of a row, from number i of the step on.
#define F32ROW(row, i, Y) VMOVUPS (4*i)(row)(SI*4), Y
#define F16ROW(row, i, Y) VCVTPH2PS (2*i)(row)(SI*2), Y
#define BF16ROW(row, i, Y) VPMOVZXWD (2*i)(row)(SI*2), Y; VPSLLD $16, Y, Y

// The same where four rows take turns, sixteen numbers of each: their pointers are 32
// bytes apart.
#define F16FOUR(row, i, Y) VCVTPH2PS (2*i)(row)(SI*8), Y
#define BF16FOUR(row, i, Y) VPMOVZXWD (2*i)(row)(SI*8), Y; VPSLLD $16, Y, Y

#define FOUR(S0, S1, S2, S3) \
	VFMADD231PS Y4, Y0, S0 \
	VFMADD231PS Y4, Y1, S1 \
	VFMADD231PS Y4, Y2, S2 \
	VFMADD231PS Y4, Y3, S3

#define CLEAR \
	VPXOR Y8, Y8, Y8 \
	VPXOR Y9, Y9, Y9 \
	VPXOR Y10, Y10, Y10 \
	VPXOR Y11, Y11, Y11 \
	VPXOR Y12, Y12, Y12 \
	VPXOR Y13, Y13, Y13 \
	VPXOR Y14, Y14, Y14 \
	VPXOR Y15, Y15, Y15

// Sums 8–15 (high) onto 0–7 (low), 4–7 onto 0–3.
#define FOLD(low, high, X) \
	VADDPS high, low, Y4 \
	VEXTRACTF128 $1, Y4, X5 \
	VADDPS X5, X4, X

// The last four sums of four rows: 2 and 3 onto 0 and 1, then 1 onto 0.
#define STORE(out) \
	VUNPCKLPS X1, X0, X4 \
	VUNPCKHPS X1, X0, X5 \
	VADDPS X5, X4, X4 \
	VUNPCKLPS X3, X2, X6 \
	VUNPCKHPS X3, X2, X7 \
	VADDPS X7, X6, X6 \
	VMOVLHPS X6, X4, X5 \
	VMOVHLPS X4, X6, X7 \
	VADDPS X7, X5, X5 \
	VMOVUPS X5, out

// Rows and activations from the first number of this pass on.
#define SHIFT \
	ADDQ DX, R8 \
	ADDQ DX, R9 \
	ADDQ DX, R10 \
	ADDQ DX, R11 \
	ADDQ R13, DI \
	ADDQ R13, R12

#define BEGIN \
	MOVQ dotTile_w(AX), R8 \
	MOVQ (dotTile_w+8)(AX), R9 \
	MOVQ (dotTile_w+16)(AX), R10 \
	MOVQ (dotTile_w+24)(AX), R11 \
	MOVQ dotTile_x(AX), DI \
	MOVQ dotTile_stride(AX), BX \
	LEAQ (DI)(BX*4), R12 \
	MOVBLZX dotTile_tail(AX), BX \
	MOVQ dotTile_steps(AX), CX \
	XORL SI, SI \
	CLEAR

#define TAIL \
	TESTL BX, BX \
	JE finish \
	XORL BX, BX \
	XORL SI, SI \
	MOVL $1, CX \
	MOVQ dotTile_wTail(AX), R8 \
	LEAQ 64(R8), R9 \
	LEAQ 128(R8), R10 \
	LEAQ 192(R8), R11 \
	MOVQ dotTile_xTail(AX), DI \
	LEAQ 64(DI), R12

#define DOTS1(ROW) \
	MOVQ t+0(FP), AX \
	BEGIN \
	TESTQ CX, CX \
	JE tail \
step: \
	ROW(R8, 0, Y0) \
	ROW(R9, 0, Y1) \
	ROW(R10, 0, Y2) \
	ROW(R11, 0, Y3) \
	VMOVUPS (DI)(SI*4), Y4 \
	FOUR(Y8, Y9, Y10, Y11) \
	ROW(R8, 8, Y0) \
	ROW(R9, 8, Y1) \
	ROW(R10, 8, Y2) \
	ROW(R11, 8, Y3) \
	VMOVUPS 32(DI)(SI*4), Y4 \
	FOUR(Y12, Y13, Y14, Y15) \
	ADDQ $16, SI \
	DECQ CX \
	JNE step \
tail: \
	TAIL \
	JMP step \
finish: \
	MOVQ dotTile_out(AX), AX \
	FOLD(Y8, Y12, X0) \
	FOLD(Y9, Y13, X1) \
	FOLD(Y10, Y14, X2) \
	FOLD(Y11, Y15, X3) \
	STORE((AX)) \
	VZEROUPPER \
	RET

// half is the size of eight weights.
#define DOTS2(ROW, half) \
	MOVQ t+0(FP), AX \
	XORL R13, R13 \
	XORL DX, DX \
pass: \
	BEGIN \
	SHIFT \
	TESTQ CX, CX \
	JE tail \
step: \
	ROW(R8, 0, Y0) \
	ROW(R9, 0, Y1) \
	ROW(R10, 0, Y2) \
	ROW(R11, 0, Y3) \
	VMOVUPS (DI)(SI*4), Y4 \
	FOUR(Y8, Y9, Y10, Y11) \
	VMOVUPS (R12)(SI*4), Y4 \
	FOUR(Y12, Y13, Y14, Y15) \
	ADDQ $16, SI \
	DECQ CX \
	JNE step \
tail: \
	TAIL \
	SHIFT \
	JMP step \
finish: \
	TESTQ R13, R13 \
	JNE fold \
	VMOVUPS Y8, low-256(SP) \
	VMOVUPS Y9, low-224(SP) \
	VMOVUPS Y10, low-192(SP) \
	VMOVUPS Y11, low-160(SP) \
	VMOVUPS Y12, low-128(SP) \
	VMOVUPS Y13, low-96(SP) \
	VMOVUPS Y14, low-64(SP) \
	VMOVUPS Y15, low-32(SP) \
	MOVL $32, R13 \
	MOVL $half, DX \
	JMP pass \
fold: \
	MOVQ dotTile_outStride(AX), BX \
	MOVQ dotTile_out(AX), AX \
	FOLD(Y8, low-256(SP), X0) \
	FOLD(Y9, low-224(SP), X1) \
	FOLD(Y10, low-192(SP), X2) \
	FOLD(Y11, low-160(SP), X3) \
	STORE((AX)) \
	FOLD(Y12, low-128(SP), X0) \
	FOLD(Y13, low-96(SP), X1) \
	FOLD(Y14, low-64(SP), X2) \
	FOLD(Y15, low-32(SP), X3) \
	STORE((AX)(BX*4)) \
	VZEROUPPER \
	RET

TEXT ·dotF32x1AVX2(SB), NOSPLIT, $0-8
	DOTS1(F32ROW)

TEXT ·dotF32x2AVX2(SB), NOSPLIT, $256-8
	DOTS2(F32ROW, 32)

TEXT ·dotF16x1AVX2(SB), NOSPLIT, $0-8
	DOTS1(F16ROW)

TEXT ·dotF16x2AVX2(SB), NOSPLIT, $256-8
	DOTS2(F16ROW, 16)

TEXT ·dotBF16x1AVX2(SB), NOSPLIT, $0-8
	DOTS1(BF16ROW)

TEXT ·dotBF16x2AVX2(SB), NOSPLIT, $256-8
	DOTS2(BF16ROW, 16)

TEXT ·dotFourF16x1AVX2(SB), NOSPLIT, $0-8
	DOTS1(F16FOUR)

TEXT ·dotFourF16x2AVX2(SB), NOSPLIT, $256-8
	DOTS2(F16FOUR, 16)

TEXT ·dotFourBF16x1AVX2(SB), NOSPLIT, $0-8
	DOTS1(BF16FOUR)

TEXT ·dotFourBF16x2AVX2(SB), NOSPLIT, $256-8
	DOTS2(BF16FOUR, 16)
