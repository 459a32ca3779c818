// Tile kernels for AVX2 that read panels: see tile_avx2_amd64.h.
//
//	DI SI R8   panel: weights, scales, mins
//	Y14        shift of the offset

#define PANEL(TOKENS) \
	ENTER \
	MOVQ tile_q(AX), DI \
	MOVQ tile_scale(AX), SI \
	MOVQ tile_mins(AX), R8 \
	VMOVQ tile_shift(AX), X14 \
	CMPB tile_more(AX), $0 \
	JNE block \
	TOKENS(ZERO, 0)

#define WEIGHTS(j) VMOVDQU (64*j)(DI), Y8; VMOVDQU (64*j+32)(DI), Y9
#define SCALES VMOVUPS (SI), Y8; VMOVUPS 32(SI), Y9; ADDQ $64, SI
#define MINS VMOVUPS (R8), Y8; VMOVUPS 32(R8), Y9; ADDQ $64, R8

#define NEXT \
	ADDQ $512, DI \
	ADDQ $ACT_SIZE, R9 \
	DECQ CX \
	LEAVE

// SCALED ends a step of weights with a scale, SCALEDMIN one of those with a min besides.
#define SCALED(TOKENS) \
	SCALES \
	TOKENS(SCALE, ACT_D) \
	TOKENS(STORE, 0)
#define SCALEDMIN(TOKENS) \
	SCALES \
	TOKENS(SCALE, ACT_D) \
	MINS \
	TOKENS(ADDMIN, ACT_S) \
	TOKENS(STORE, 0)
