// Kernels for AVX2 that read packed groups of the formats with blocks of 32 columns.

EVERY(0x1010101010101010, fifth)

// Quads j and j+4: the low and the high halves of 64 bytes.
#define NIBBLES(TOKENS, j) \
	LOW(64*j) \
	QUAD(TOKENS, (ACT_QUAD*j)) \
	HIGHQUAD(TOKENS, 64*j, (ACT_QUAD*(j+4)))

// The same with a fifth bit each: bit j of the 64 bytes at 256 for quad j.
#define FIVES(TOKENS, j) \
	LOW(64*j) \
	FIFTH(VPSLLW, 4-j) \
	QUAD(TOKENS, (ACT_QUAD*j)) \
	HIGH(64*j) \
	FIFTH(VPSRLW, j) \
	QUAD(TOKENS, (ACT_QUAD*(j+4)))

#define FIFTH(SHIFT, by) \
	VMOVDQU 256(DI), Y10 \
	VMOVDQU 288(DI), Y11 \
	SHIFT $(by), Y10, Y10 \
	SHIFT $(by), Y11, Y11 \
	UPPER(fifth<>(SB))

#define EIGHTS(TOKENS, j) \
	LOAD(64*j) \
	WIDE(TOKENS, (ACT_QUAD*j))

#define FOUR(OP, TOKENS) OP(TOKENS, 0); OP(TOKENS, 1); OP(TOKENS, 2); OP(TOKENS, 3)

// NEXT goes on to the next block, bytes further.
#define NEXT(bytes) \
	ADDQ $bytes, DI \
	ADDQ $ACT_SIZE, R9 \
	DECQ CX \
	LEAVEGROUP

#define Q4_0PACKED(TOKENS, ASK) \
	PACKED(TOKENS) \
	OFNIBBLES \
block: \
	TOKENS(OFFSET3, ACT_N) \
	LINES4(ASK, 0); AHEAD(256) \
	FOUR(NIBBLES, TOKENS) \
	HALVES(256) \
	TOKENS(SCALE, ACT_D) \
	TOKENS(STORE, 0) \
	NEXT(288)

#define Q4_1PACKED(TOKENS, ASK) \
	PACKED(TOKENS) \
	OFNIBBLES \
block: \
	TOKENS(CLEAR, 0) \
	LINES4(ASK, 0); AHEAD(256) \
	FOUR(NIBBLES, TOKENS) \
	HALVES(256) \
	TOKENS(SCALE, ACT_D) \
	HALVES(288) \
	TOKENS(ADDMIN, ACT_S) \
	TOKENS(STORE, 0) \
	NEXT(320)

#define Q5_0PACKED(TOKENS, ASK) \
	PACKED(TOKENS) \
block: \
	TOKENS(OFFSET4, ACT_N) \
	LINES4(ASK, 0); ASK(256) \
	FOUR(FIVES, TOKENS) \
	HALVES(320) \
	TOKENS(SCALE, ACT_D) \
	TOKENS(STORE, 0) \
	NEXT(352)

#define Q5_1PACKED(TOKENS, ASK) \
	PACKED(TOKENS) \
block: \
	TOKENS(CLEAR, 0) \
	LINES4(ASK, 0); ASK(256) \
	FOUR(FIVES, TOKENS) \
	HALVES(320) \
	TOKENS(SCALE, ACT_D) \
	HALVES(352) \
	TOKENS(ADDMIN, ACT_S) \
	TOKENS(STORE, 0) \
	NEXT(384)

#define Q8_0PACKED(TOKENS, ASK) \
	PACKED(TOKENS) \
block: \
	TOKENS(CLEAR, 0) \
	LINES8(ASK, 0); AHEAD(512) \
	FOUR(EIGHTS, TOKENS) \
	EIGHTS(TOKENS, 4) \
	EIGHTS(TOKENS, 5) \
	EIGHTS(TOKENS, 6) \
	EIGHTS(TOKENS, 7) \
	HALVES(512) \
	TOKENS(SCALE, ACT_D) \
	TOKENS(STORE, 0) \
	NEXT(544)
