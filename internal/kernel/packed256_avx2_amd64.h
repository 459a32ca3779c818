// Kernels for AVX2 that read packed groups of the formats with blocks of 256 columns.
//
//	SP   scales of a block: see KSCALES, SIXES

CONST(lowest, 0x000000ff)
CONST(six, 0x3f3f3f3f)
CONST(upper, 0x30303030)
CONST(fifth, 0x10101010)
CONST(sign, 0x80000000)
CONST(one, 0x01010101)

// Q4_K and Q5_K, two sub-blocks of 32 columns at a time.
//
//	SI        scales of this sub-block, in the lowest byte of a row's four
//	R14       pairs of sub-blocks left
//	  0(SP)   scales of sub-blocks 0–3, a byte each, of rows 0–7 and 8–15
//	 64(SP)   mins of the same; 128(SP) and 192(SP) those of 4–7
//	256(SP)   what follows the last is read with it
//	264(SP)   d, 328(SP) -dmin

//	392(SP)   for Q5_K: bit s in every byte

#define FRAME 424

// Of eight rows: the twelve bytes of kScales as three doublewords a row, d and dmin, at m.
#define KSCALES(m, half) \
	VMOVDQU (m+half)(DI), Y8 \
	VMOVDQU (m+half+64)(DI), Y9 \
	VMOVDQU (m+half+128)(DI), Y10 \
	VPAND six<>(SB), Y8, Y12 \
	VPAND six<>(SB), Y9, Y13 \
	VMOVDQU Y12, (half)(SP) \
	VMOVDQU Y13, (half+64)(SP) \
	VPSRLD $2, Y8, Y8 \
	VPSRLD $2, Y9, Y9 \
	VPAND upper<>(SB), Y8, Y8 \
	VPAND upper<>(SB), Y9, Y9 \
	VPSRLD $4, Y10, Y11 \
	VPAND Y14, Y10, Y10 \
	VPAND Y14, Y11, Y11 \
	VPOR Y10, Y8, Y8 \
	VPOR Y11, Y9, Y9 \
	VMOVDQU Y8, (half+128)(SP) \
	VMOVDQU Y9, (half+192)(SP) \
	VCVTPH2PS (m+192+half/2)(DI), Y12 \
	VCVTPH2PS (m+224+half/2)(DI), Y13 \
	VXORPS sign<>(SB), Y13, Y13 \
	VMOVUPS Y12, (half+264)(SP) \
	VMOVUPS Y13, (half+328)(SP)

// SUBSCALE is d, or -dmin, at of, times the bytes at: scales or mins of a sub-block.
#define SUBSCALE(at, of) \
	VMOVDQU (at)(SI), Y8 \
	VMOVDQU (at+32)(SI), Y9 \
	VPAND lowest<>(SB), Y8, Y8 \
	VPAND lowest<>(SB), Y9, Y9 \
	VCVTDQ2PS Y8, Y8 \
	VCVTDQ2PS Y9, Y9 \
	VMULPS (of)(SP), Y8, Y8 \
	VMULPS (of+32)(SP), Y9, Y9

// A sub-block; off is where its activations are. FOURS and FIVES are its products, from HALF.
#define REST7(HALF, TOKENS, off) \
	HALF(THEN, TOKENS, 1, off) \
	HALF(THEN, TOKENS, 2, off) \
	HALF(THEN, TOKENS, 3, off) \
	HALF(THEN, TOKENS, 4, off) \
	HALF(THEN, TOKENS, 5, off) \
	HALF(THEN, TOKENS, 6, off) \
	HALF(THEN, TOKENS, 7, off)
#define FOURS(HALF, TOKENS, off) \
	BEGUN(TOKENS, CLEAR, 0) \
	HALF(FIRST, TOKENS, 0, off) \
	REST7(HALF, TOKENS, off) \
	WIDENED(TOKENS, WIDEN, 0)
#define FIVES(HALF, TOKENS, off) \
	TOKENS(CLEAR, 0) \
	HALF(FIRST, TOKENS, 0, off) \
	REST7(HALF, TOKENS, off)
#define SUBBLOCK(SUMS, HALF, TOKENS, off) \
	SUMS(HALF, TOKENS, off) \
	SUBSCALE(0, 264) \
	TOKENS(SCALE, (off+ACT_D)) \
	SUBSCALE(64, 328) \
	TOKENS(ADDMIN, (off+ACT_S)) \
	TOKENS(STORE, 0) \
	INCQ SI

#define LOWS(OP, TOKENS, j, off) LOW(64*j); NIBBLES(OP, TOKENS, (off+ACT_QUAD*j))
#define HIGHS(OP, TOKENS, j, off) HIGHNIBBLES(OP, TOKENS, 64*j, (off+ACT_QUAD*j))

// PAIRS is the sub-blocks of a block, two for every 512 bytes, and AFTER each.
#define NOTHING
#define PAIRS(SUMS, LOWS, HIGHS, TOKENS, ASK, AFTER, m) \
	KSCALES(m, 0) \
	KSCALES(m, 32) \
	MOVQ SP, SI \
	MOVL $4, R14 \
pair: \
	LINES8(ASK, 0) \
	SUBBLOCK(SUMS, LOWS, TOKENS, 0) \
	AFTER \
	SUBBLOCK(SUMS, HIGHS, TOKENS, ACT_SIZE) \
	AFTER \
	ADDQ $512, DI \
	ADDQ $(2*ACT_SIZE), R9 \
	DECL R14 \
	JE done \
	CMPL R14, $2 \
	JNE pair \
	ADDQ $124, SI \
	JMP pair \
done:

#define Q4_KPACKED(TOKENS, ASK) \
	PACKED(TOKENS) \
	OFNIBBLES \
block: \
	LINES4(ASK, 2048) \
	PAIRS(FOURS, LOWS, HIGHS, TOKENS, ASK, NOTHING, 2048) \
	ADDQ $256, DI \
	SUBQ $8, CX \
	LEAVEGROUP

// Q5_K besides:
//
//	R8   fifth bits: bit s of byte j for number j of sub-block s

#define NEXTBIT VMOVDQU 392(SP), Y12; VPADDB Y12, Y12, Y12; VMOVDQU Y12, 392(SP)

#define FIFTH(j) \
	VMOVDQU 392(SP), Y12 \
	VPAND (64*j)(R8), Y12, Y10 \
	VPAND (64*j+32)(R8), Y12, Y11 \
	VPCMPEQB Y12, Y10, Y10 \
	VPCMPEQB Y12, Y11, Y11 \
	UPPER(fifth<>(SB))

#define LOWFIVES(OP, TOKENS, j, off) LOW(64*j); FIFTH(j); QUAD(TOKENS, (off+ACT_QUAD*j))
#define HIGHFIVES(OP, TOKENS, j, off) HIGH(64*j); FIFTH(j); QUAD(TOKENS, (off+ACT_QUAD*j))

#define Q5_KPACKED(TOKENS, ASK) \
	PACKED(TOKENS) \
block: \
	LINES8(ASK, 2048) \
	LINES4(ASK, 2560) \
	LEAQ 2048(DI), R8 \
	VMOVDQU one<>(SB), Y12 \
	VMOVDQU Y12, 392(SP) \
	PAIRS(FIVES, LOWFIVES, HIGHFIVES, TOKENS, ASK, NEXTBIT, 2560) \
	ADDQ $768, DI \
	SUBQ $8, CX \
	LEAVEGROUP

// Q6_K, four sub-blocks of 32 columns at a time.
//
//	DI SI R8  low four bits, upper two, scales
//	R14       halves left
//	264(SP)   d

// Quad j of sub-block s: Y8 and Y9 with the fifth and the sixth bits, from Y10 and Y11.
#define SIX(TOKENS, s, j) UPPER(upper<>(SB)); QUAD(TOKENS, (s*ACT_SIZE+ACT_QUAD*j))
#define BITS(j) VMOVDQU (64*j)(SI), Y10; VMOVDQU (64*j+32)(SI), Y11
#define SHIFTED(j, SHIFT, by) BITS(j); SHIFT $by, Y10, Y10; SHIFT $by, Y11, Y11

#define SIX0(TOKENS, j) LOW(64*j); SHIFTED(j, VPSLLW, 4); SIX(TOKENS, 0, j)
#define SIX1(TOKENS, j) LOW(64*j+512); SHIFTED(j, VPSLLW, 2); SIX(TOKENS, 1, j)
#define SIX2(TOKENS, j) HIGH(64*j); BITS(j); SIX(TOKENS, 2, j)
#define SIX3(TOKENS, j) HIGH(64*j+512); SHIFTED(j, VPSRLW, 2); SIX(TOKENS, 3, j)

// A scale for 16 columns.
#define SIXSCALE(i) \
	VPMOVSXBD (16*i)(R8), Y8 \
	VPMOVSXBD (16*i+8)(R8), Y9 \
	VCVTDQ2PS Y8, Y8 \
	VCVTDQ2PS Y9, Y9 \
	VMULPS 264(SP), Y8, Y8 \
	VMULPS 296(SP), Y9, Y9

// REST begins sums at those of the second sixteen columns.
#define REST(x, a, b, out0, out1) VPBROADCASTD x, b; VPSUBD b, a, a; VPSLLD $5, a, a; VMOVDQA a, b

#define SIXES(OP, TOKENS, s) \
	TOKENS(OFFSET5, (s*ACT_SIZE+ACT_N16)) \
	OP(TOKENS, 0) \
	OP(TOKENS, 1) \
	OP(TOKENS, 2) \
	OP(TOKENS, 3) \
	SIXSCALE((2*s)) \
	TOKENS(SCALE, (s*ACT_SIZE+ACT_D)) \
	TOKENS(STORE, 0) \
	TOKENS(BROADCAST, (s*ACT_SIZE+ACT_N)) \
	TOKENS(REST, (s*ACT_SIZE+ACT_N16)) \
	OP(TOKENS, 4) \
	OP(TOKENS, 5) \
	OP(TOKENS, 6) \
	OP(TOKENS, 7) \
	SIXSCALE((2*s+1)) \
	TOKENS(SCALE, (s*ACT_SIZE+ACT_D)) \
	TOKENS(STORE, 0)

#define Q6_KPACKED(TOKENS, ASK) \
	PACKED(TOKENS) \
block: \
	HALVES(3328) \
	VMOVUPS Y8, 264(SP) \
	VMOVUPS Y9, 296(SP) \
	LEAQ 2048(DI), SI \
	LEAQ 3072(DI), R8 \
	MOVL $2, R14 \
	LINES8(ASK, 2048) \
	LINES8(ASK, 2560) \
	LINES4(ASK, 3072) \
half: \
	LINES8(ASK, 0) \
	LINES8(ASK, 512) \
	SIXES(SIX0, TOKENS, 0) \
	SIXES(SIX1, TOKENS, 1) \
	SIXES(SIX2, TOKENS, 2) \
	SIXES(SIX3, TOKENS, 3) \
	ADDQ $1024, DI \
	ADDQ $512, SI \
	ADDQ $128, R8 \
	ADDQ $(4*ACT_SIZE), R9 \
	DECL R14 \
	JNE half \
	ADDQ $1312, DI \
	SUBQ $8, CX \
	LEAVEGROUP
