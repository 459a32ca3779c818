//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"
#include "acts8_avx2_amd64.h"
#include "packed_avx2_amd64.h"
#include "packed256_avx2_amd64.h"

TEXT ·packedQ4_KAVX2(SB), NOSPLIT, $FRAME-8
	Q4_KPACKED

TEXT ·packedQ5_KAVX2(SB), NOSPLIT, $FRAME-8
	Q5_KPACKED

TEXT ·packedQ6_KAVX2(SB), NOSPLIT, $FRAME-8
	Q6_KPACKED
