//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"

// Dot products for AVX-512: four rows of float weights times 1, 2 or 4 rows of
// activations ("tokens"), in sixteen partial sums each, see dot.
//
//	R8–R11           rows of weights
//	DI R12 R13 DX    activations of tokens 0–3
//	SI               numbers done;  CX  steps of sixteen left;  BX  1 while the tail is to be done
//	Z0–Z3            weights of the four rows;  Z4  activations
//	Z16–Z19, Z20–Z23, Z24–Z27, Z28–Z31   sums of tokens 0–3, one register a row

// Sixteen weights of a row.
#define F32ROW(row, Z) VMOVUPS (row)(SI*4), Z
#define F16ROW(row, Z) VCVTPH2PS (row)(SI*2), Z
#define BF16ROW(row, Z) VPMOVZXWD (row)(SI*2), Z; VPSLLD $16, Z, Z


// The same where four rows take turns, sixteen numbers of each: their pointers are 32
// bytes apart.
#define F16FOUR(row, Z) VCVTPH2PS (row)(SI*8), Z
#define BF16FOUR(row, Z) VPMOVZXWD (row)(SI*8), Z; VPSLLD $16, Z, Z

// FOURAHEAD asks for what four such rows have four kilobytes on: for one token they are read
// once, as fast as they arrive, and what follows them in memory is read next.
#define FOURAHEAD PREFETCHT0 4096(R8)(SI*8); PREFETCHT0 4160(R8)(SI*8)
#define NOTAHEAD

#define TOKEN(x, S0, S1, S2, S3) \
	VMOVUPS (x)(SI*4), Z4 \
	VFMADD231PS Z4, Z0, S0 \
	VFMADD231PS Z4, Z1, S1 \
	VFMADD231PS Z4, Z2, S2 \
	VFMADD231PS Z4, Z3, S3

#define TOKENS1 TOKEN(DI, Z16, Z17, Z18, Z19)
#define TOKENS2 TOKENS1; TOKEN(R12, Z20, Z21, Z22, Z23)
#define TOKENS4 TOKENS2; TOKEN(R13, Z24, Z25, Z26, Z27); TOKEN(DX, Z28, Z29, Z30, Z31)

#define CLEAR(S0, S1, S2, S3) VPXORD S0, S0, S0; VPXORD S1, S1, S1; VPXORD S2, S2, S2; VPXORD S3, S3, S3
#define CLEAR1 CLEAR(Z16, Z17, Z18, Z19)
#define CLEAR2 CLEAR1; CLEAR(Z20, Z21, Z22, Z23)
#define CLEAR4 CLEAR2; CLEAR(Z24, Z25, Z26, Z27); CLEAR(Z28, Z29, Z30, Z31)

// Sums 8–15 onto 0–7, 4–7 onto 0–3.
#define FOLD(Z, Y, X) \
	VEXTRACTF64X4 $1, Z, Y5 \
	VADDPS Y5, Y, Y6 \
	VEXTRACTF128 $1, Y6, X5 \
	VADDPS X5, X6, X

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

#define FINISH(S0, T0, S1, T1, S2, T2, S3, T3, out) \
	FOLD(S0, T0, X0) \
	FOLD(S1, T1, X1) \
	FOLD(S2, T2, X2) \
	FOLD(S3, T3, X3) \
	STORE(out)

#define FINISH1 FINISH(Z16, Y16, Z17, Y17, Z18, Y18, Z19, Y19, (AX))
#define FINISH2 FINISH1; FINISH(Z20, Y20, Z21, Y21, Z22, Y22, Z23, Y23, (AX)(BX*1))
#define FINISH4 FINISH2; LEAQ (AX)(BX*2), AX; \
	FINISH(Z24, Y24, Z25, Y25, Z26, Y26, Z27, Y27, (AX)); FINISH(Z28, Y28, Z29, Y29, Z30, Y30, Z31, Y31, (AX)(BX*1))

#define DOTS(ROW, AHEAD, CLEARN, TOKENSN, FINISHN) \
	MOVQ t+0(FP), AX \
	MOVQ dotTile_w(AX), R8 \
	MOVQ (dotTile_w+8)(AX), R9 \
	MOVQ (dotTile_w+16)(AX), R10 \
	MOVQ (dotTile_w+24)(AX), R11 \
	MOVQ dotTile_x(AX), DI \
	MOVQ dotTile_stride(AX), BX \
	LEAQ (DI)(BX*4), R12 \
	LEAQ (DI)(BX*8), R13 \
	LEAQ (R12)(BX*8), DX \
	MOVBLZX dotTile_tail(AX), BX \
	MOVQ dotTile_steps(AX), CX \
	XORL SI, SI \
	CLEARN \
	TESTQ CX, CX \
	JE tail \
step: \
	ROW(R8, Z0) \
	ROW(R9, Z1) \
	ROW(R10, Z2) \
	ROW(R11, Z3) \
	AHEAD \
	TOKENSN \
	ADDQ $16, SI \
	DECQ CX \
	JNE step \
tail: \
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
	LEAQ 64(DI), R12 \
	LEAQ 128(DI), R13 \
	LEAQ 192(DI), DX \
	JMP step \
finish: \
	MOVQ dotTile_outStride(AX), BX \
	SHLQ $2, BX \
	MOVQ dotTile_out(AX), AX \
	FINISHN \
	VZEROUPPER \
	RET

TEXT ·dotF32x1AVX512(SB), NOSPLIT, $0-8
	DOTS(F32ROW, NOTAHEAD, CLEAR1, TOKENS1, FINISH1)

TEXT ·dotF32x2AVX512(SB), NOSPLIT, $0-8
	DOTS(F32ROW, NOTAHEAD, CLEAR2, TOKENS2, FINISH2)

TEXT ·dotF32x4AVX512(SB), NOSPLIT, $0-8
	DOTS(F32ROW, NOTAHEAD, CLEAR4, TOKENS4, FINISH4)

TEXT ·dotF16x1AVX512(SB), NOSPLIT, $0-8
	DOTS(F16ROW, NOTAHEAD, CLEAR1, TOKENS1, FINISH1)

TEXT ·dotF16x2AVX512(SB), NOSPLIT, $0-8
	DOTS(F16ROW, NOTAHEAD, CLEAR2, TOKENS2, FINISH2)

TEXT ·dotF16x4AVX512(SB), NOSPLIT, $0-8
	DOTS(F16ROW, NOTAHEAD, CLEAR4, TOKENS4, FINISH4)

TEXT ·dotBF16x1AVX512(SB), NOSPLIT, $0-8
	DOTS(BF16ROW, NOTAHEAD, CLEAR1, TOKENS1, FINISH1)

TEXT ·dotBF16x2AVX512(SB), NOSPLIT, $0-8
	DOTS(BF16ROW, NOTAHEAD, CLEAR2, TOKENS2, FINISH2)

TEXT ·dotBF16x4AVX512(SB), NOSPLIT, $0-8
	DOTS(BF16ROW, NOTAHEAD, CLEAR4, TOKENS4, FINISH4)

TEXT ·dotFourF16x1AVX512(SB), NOSPLIT, $0-8
	DOTS(F16FOUR, NOTAHEAD, CLEAR1, TOKENS1, FINISH1)

TEXT ·dotFourF16x2AVX512(SB), NOSPLIT, $0-8
	DOTS(F16FOUR, NOTAHEAD, CLEAR2, TOKENS2, FINISH2)

TEXT ·dotFourF16x4AVX512(SB), NOSPLIT, $0-8
	DOTS(F16FOUR, NOTAHEAD, CLEAR4, TOKENS4, FINISH4)

TEXT ·dotFourBF16x1AVX512(SB), NOSPLIT, $0-8
	DOTS(BF16FOUR, NOTAHEAD, CLEAR1, TOKENS1, FINISH1)

TEXT ·dotFourBF16x2AVX512(SB), NOSPLIT, $0-8
	DOTS(BF16FOUR, NOTAHEAD, CLEAR2, TOKENS2, FINISH2)

TEXT ·dotFourBF16x4AVX512(SB), NOSPLIT, $0-8
	DOTS(BF16FOUR, NOTAHEAD, CLEAR4, TOKENS4, FINISH4)

TEXT ·dotFourF16x1AheadAVX512(SB), NOSPLIT, $0-8
	DOTS(F16FOUR, FOURAHEAD, CLEAR1, TOKENS1, FINISH1)

TEXT ·dotFourBF16x1AheadAVX512(SB), NOSPLIT, $0-8
	DOTS(BF16FOUR, FOURAHEAD, CLEAR1, TOKENS1, FINISH1)
