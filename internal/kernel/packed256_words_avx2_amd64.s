//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"
#include "acts16_avx2_amd64.h"
#include "tile_avx2_amd64.h"
#include "packed_avx2_amd64.h"
#include "packed256_avx2_amd64.h"

TEXT ·packedWordsQ4_Kx1AVX2(SB), NOSPLIT, $FRAME-8
	Q4_KPACKED(TOKENS1, BOTH)

TEXT ·packedWordsQ4_Kx2AVX2(SB), NOSPLIT, $FRAME-8
	Q4_KPACKED(TOKENS2, BOTH)

TEXT ·packedWordsQ4_Kx4AVX2(SB), NOSPLIT, $FRAME-8
	Q4_KPACKED(TOKENS4, OTHER)

TEXT ·packedWordsQ5_Kx1AVX2(SB), NOSPLIT, $FRAME-8
	Q5_KPACKED(TOKENS1, BOTH)

TEXT ·packedWordsQ5_Kx2AVX2(SB), NOSPLIT, $FRAME-8
	Q5_KPACKED(TOKENS2, BOTH)

TEXT ·packedWordsQ5_Kx4AVX2(SB), NOSPLIT, $FRAME-8
	Q5_KPACKED(TOKENS4, OTHER)

TEXT ·packedWordsQ6_Kx1AVX2(SB), NOSPLIT, $FRAME-8
	Q6_KPACKED(TOKENS1, BOTH)

TEXT ·packedWordsQ6_Kx2AVX2(SB), NOSPLIT, $FRAME-8
	Q6_KPACKED(TOKENS2, BOTH)

TEXT ·packedWordsQ6_Kx4AVX2(SB), NOSPLIT, $FRAME-8
	Q6_KPACKED(TOKENS4, OTHER)
