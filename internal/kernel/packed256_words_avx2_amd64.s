//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"
#include "acts16_avx2_amd64.h"
#include "packed_avx2_amd64.h"
#include "packed256_avx2_amd64.h"

TEXT ·packedWordsQ4_KAVX2(SB), NOSPLIT, $FRAME-8
	Q4_KPACKED

TEXT ·packedWordsQ5_KAVX2(SB), NOSPLIT, $FRAME-8
	Q5_KPACKED

TEXT ·packedWordsQ6_KAVX2(SB), NOSPLIT, $FRAME-8
	Q6_KPACKED
