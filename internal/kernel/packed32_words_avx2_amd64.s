//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"
#include "acts16_avx2_amd64.h"
#include "packed_avx2_amd64.h"
#include "packed32_avx2_amd64.h"

TEXT ·packedWordsQ4_0AVX2(SB), NOSPLIT, $0-8
	Q4_0PACKED

TEXT ·packedWordsQ4_1AVX2(SB), NOSPLIT, $0-8
	Q4_1PACKED

TEXT ·packedWordsQ5_0AVX2(SB), NOSPLIT, $0-8
	Q5_0PACKED

TEXT ·packedWordsQ5_1AVX2(SB), NOSPLIT, $0-8
	Q5_1PACKED

TEXT ·packedWordsQ8_0AVX2(SB), NOSPLIT, $0-8
	Q8_0PACKED
