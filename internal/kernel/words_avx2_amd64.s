//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"
#include "acts16_avx2_amd64.h"
#include "tile_avx2_amd64.h"
#include "panel_avx2_amd64.h"

// Tile kernels for AVX2 and FMA that read panels, with activations of 16 bits.
//
//	Y14      shift of the offset

#define OFFSET(x, a, b, out0, out1) VPBROADCASTD x, a; VPSLLD X14, a, a; VMOVDQA a, b
#define REST(x, a, b, out0, out1) VPBROADCASTD x, b; VPSUBD b, a, a; VPSLLD X14, a, a; VMOVDQA a, b

#define ONE(TOKENS, j) WEIGHTS(j); QUAD(TOKENS, (ACT_QUAD*j))
#define FOUR(TOKENS, j) ONE(TOKENS, j); ONE(TOKENS, (j+1)); ONE(TOKENS, (j+2)); ONE(TOKENS, (j+3))

// Weights are q - 1<<shift, a scale for 32 columns. The sums begin at the
// activations' negated sum times 1<<shift.
#define OFFSETTILE(TOKENS) \
	PANEL(TOKENS) \
block: \
	TOKENS(OFFSET, ACT_N) \
	FOUR(TOKENS, 0) \
	FOUR(TOKENS, 4) \
	SCALED(TOKENS) \
	NEXT

// Weights are q, with a scale and a min for 32 columns.
#define MINSTILE(TOKENS) \
	PANEL(TOKENS) \
block: \
	TOKENS(CLEAR, 0) \
	FOUR(TOKENS, 0) \
	FOUR(TOKENS, 4) \
	SCALEDMIN(TOKENS) \
	NEXT

// Weights are q - 1<<shift, a scale for 16 columns.
#define STEP16TILE(TOKENS) \
	PANEL(TOKENS) \
block: \
	TOKENS(OFFSET, ACT_N16) \
	FOUR(TOKENS, 0) \
	SCALED(TOKENS) \
	TOKENS(BROADCAST, ACT_N) \
	TOKENS(REST, ACT_N16) \
	FOUR(TOKENS, 4) \
	SCALED(TOKENS) \
	NEXT

TEXT ·offsetWords1AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS1)

TEXT ·offsetWords2AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS2)

TEXT ·offsetWords4AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS4)

TEXT ·minsWords1AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS1)

TEXT ·minsWords2AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS2)

TEXT ·minsWords4AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS4)

TEXT ·step16Words1AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS1)

TEXT ·step16Words2AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS2)

TEXT ·step16Words4AVX2(SB), NOSPLIT, $0-8
	STEP16TILE(TOKENS4)
