//go:build amd64 && !purego

#include "go_asm.h"
#include "textflag.h"
#include "acts8_avx2_amd64.h"
#include "packed_avx2_amd64.h"
#include "packed32_avx2_amd64.h"

TEXT ·packedQ4_0AVX2(SB), NOSPLIT, $0-8
	Q4_0PACKED

TEXT ·packedQ4_1AVX2(SB), NOSPLIT, $0-8
	Q4_1PACKED

TEXT ·packedQ5_0AVX2(SB), NOSPLIT, $0-8
	Q5_0PACKED

TEXT ·packedQ5_1AVX2(SB), NOSPLIT, $0-8
	Q5_1PACKED

TEXT ·packedQ8_0AVX2(SB), NOSPLIT, $0-8
	Q8_0PACKED
