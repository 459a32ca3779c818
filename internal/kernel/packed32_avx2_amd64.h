// Kernels for AVX2 that read packed groups of the formats with blocks of 32 columns.
//
//	Y8    bytes of 0x10 (Q5)

// Quads j and j+4: the low and the high halves of 64 bytes.
#define NIBBLES(j) \
	LOAD(64*j) \
	LOW \
	QUAD((ACT_QUAD*j)) \
	HIGH \
	QUAD((ACT_QUAD*(j+4)))

// The same with a fifth bit each: bit j of the 64 bytes at 256 for quad j.
#define FIVES(j) \
	LOAD(64*j) \
	LOW \
	VMOVDQU 256(DI), Y10 \
	VMOVDQU 288(DI), Y11 \
	VPSLLW $(4-j), Y10, Y10 \
	VPSLLW $(4-j), Y11, Y11 \
	OR(Y8) \
	QUAD((ACT_QUAD*j)) \
	HIGH \
	VMOVDQU 256(DI), Y10 \
	VMOVDQU 288(DI), Y11 \
	VPSRLW $j, Y10, Y10 \
	VPSRLW $j, Y11, Y11 \
	OR(Y8) \
	QUAD((ACT_QUAD*(j+4)))

#define EIGHTS(j) \
	LOAD(64*j) \
	WIDE((ACT_QUAD*j))

#define FOUR(OP) OP(0); OP(1); OP(2); OP(3)

// NEXT goes on to the next block, bytes further.
#define NEXT(bytes) \
	ADDQ $bytes, DI \
	ADDQ $ACT_SIZE, R11 \
	DECQ CX \
	LEAVE

#define Q4_0PACKED \
	ENTER \
block: \
	OFFSET(ACT_N, 3) \
	LINES4(0); AHEAD(256) \
	FOUR(NIBBLES) \
	HALVES(256) \
	SCALE(ACT_D) \
	NEXT(288)

#define Q4_1PACKED \
	ENTER \
block: \
	CLEAR \
	LINES4(0); AHEAD(256) \
	FOUR(NIBBLES) \
	HALVES(256) \
	SCALE(ACT_D) \
	HALVES(288) \
	ADDMIN(ACT_S) \
	NEXT(320)

#define Q5_0PACKED \
	ENTER \
	BYTES(0x10, X8, Y8) \
block: \
	OFFSET(ACT_N, 4) \
	LINES4(0); LINES2(256) \
	FOUR(FIVES) \
	HALVES(320) \
	SCALE(ACT_D) \
	NEXT(352)

#define Q5_1PACKED \
	ENTER \
	BYTES(0x10, X8, Y8) \
block: \
	CLEAR \
	LINES4(0); LINES2(256) \
	FOUR(FIVES) \
	HALVES(320) \
	SCALE(ACT_D) \
	HALVES(352) \
	ADDMIN(ACT_S) \
	NEXT(384)

#define Q8_0PACKED \
	ENTER \
block: \
	CLEAR \
	LINES8(0); AHEAD(512) \
	FOUR(EIGHTS) \
	EIGHTS(4) \
	EIGHTS(5) \
	EIGHTS(6) \
	EIGHTS(7) \
	HALVES(512) \
	SCALE(ACT_D) \
	NEXT(544)
