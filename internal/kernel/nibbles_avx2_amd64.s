//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"
#include "acts8_avx2_amd64.h"
#include "tile_avx2_amd64.h"
#include "panel_avx2_amd64.h"

// Tile kernels for AVX2 and FMA that read panels, with activations of 8 bits and weights of at
// most 15, whose products are added up in 16 bits.
//
//	Y14      shift of the offset

#define OFFSET(x, a, b, out0, out1) \
	VPBROADCASTD x, Y12 \
	VPSLLD X14, Y12, Y12 \
	VPADDD Y12, a, a \
	VPADDD Y12, b, b

#define ONE(TOKENS, OP, j) WEIGHTS(j); NIBBLES(OP, TOKENS, (ACT_QUAD*j))

#define EIGHT(TOKENS) \
	ONE(TOKENS, FIRST, 0) \
	ONE(TOKENS, THEN, 1) \
	ONE(TOKENS, THEN, 2) \
	ONE(TOKENS, THEN, 3) \
	ONE(TOKENS, THEN, 4) \
	ONE(TOKENS, THEN, 5) \
	ONE(TOKENS, THEN, 6) \
	ONE(TOKENS, THEN, 7) \
	TOKENS(WIDEN, 0)

// Weights are q - 1<<shift, a scale for 32 columns.
#define OFFSETTILE(TOKENS) \
	PANEL(TOKENS) \
block: \
	EIGHT(TOKENS) \
	TOKENS(OFFSET, ACT_N) \
	SCALED(TOKENS) \
	NEXT

// Weights are q, with a scale and a min for 32 columns.
#define MINSTILE(TOKENS) \
	PANEL(TOKENS) \
block: \
	EIGHT(TOKENS) \
	SCALEDMIN(TOKENS) \
	NEXT

TEXT ·nibbles1AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS1)

TEXT ·nibbles2AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS2)

TEXT ·nibbles4AVX2(SB), NOSPLIT, $0-8
	OFFSETTILE(TOKENS4)

TEXT ·nibbleMins1AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS1)

TEXT ·nibbleMins2AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS2)

TEXT ·nibbleMins4AVX2(SB), NOSPLIT, $0-8
	MINSTILE(TOKENS4)
