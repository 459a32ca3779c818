// Kernels for AVX2 that read packed groups of the formats with blocks of 256 columns.
//
//	SP   scales of a block: see KSCALES, SIXES

DATA lowest<>+0(SB)/8, $0x000000ff000000ff
DATA lowest<>+8(SB)/8, $0x000000ff000000ff
DATA lowest<>+16(SB)/8, $0x000000ff000000ff
DATA lowest<>+24(SB)/8, $0x000000ff000000ff
GLOBL lowest<>(SB), RODATA|NOPTR, $32

// Q4_K and Q5_K, two sub-blocks of 32 columns at a time.
//
//	SI        scales of this sub-block, in the lowest byte of a row's four
//	R14       pairs of sub-blocks left
//	  0(SP)   scales of sub-blocks 0–3, a byte each, of rows 0–7 and 8–15
//	 64(SP)   mins of the same; 128(SP) and 192(SP) those of 4–7
//	256(SP)   what follows the last is read with it
//	264(SP)   d, 328(SP) -dmin

#define FRAME 392

// Of eight rows: the twelve bytes of kScales as three doublewords a row, d and dmin, at m.
#define KSCALES(m, half) \
	VMOVDQU (m+half)(DI), Y2 \
	VMOVDQU (m+half+64)(DI), Y3 \
	VMOVDQU (m+half+128)(DI), Y4 \
	VPAND Y10, Y2, Y6 \
	VPAND Y10, Y3, Y7 \
	VMOVDQU Y6, (half)(SP) \
	VMOVDQU Y7, (half+64)(SP) \
	VPSRLD $2, Y2, Y2 \
	VPSRLD $2, Y3, Y3 \
	VPAND Y11, Y2, Y2 \
	VPAND Y11, Y3, Y3 \
	VPSRLD $4, Y4, Y5 \
	VPAND Y14, Y4, Y4 \
	VPAND Y14, Y5, Y5 \
	VPOR Y4, Y2, Y2 \
	VPOR Y5, Y3, Y3 \
	VMOVDQU Y2, (half+128)(SP) \
	VMOVDQU Y3, (half+192)(SP) \
	VCVTPH2PS (m+192+half/2)(DI), Y6 \
	VCVTPH2PS (m+224+half/2)(DI), Y7 \
	VPCMPEQD Y4, Y4, Y4 \
	VPSLLD $31, Y4, Y4 \
	VXORPS Y4, Y7, Y7 \
	VMOVUPS Y6, (half+264)(SP) \
	VMOVUPS Y7, (half+328)(SP)

// SUBSCALE is d, or -dmin, at of, times the bytes at: scales or mins of a sub-block.
#define SUBSCALE(at, of) \
	VMOVDQU (at)(SI), Y4 \
	VMOVDQU (at+32)(SI), Y5 \
	VPAND lowest<>(SB), Y4, Y4 \
	VPAND lowest<>(SB), Y5, Y5 \
	VCVTDQ2PS Y4, Y4 \
	VCVTDQ2PS Y5, Y5 \
	VMULPS (of)(SP), Y4, Y4 \
	VMULPS (of+32)(SP), Y5, Y5

// A sub-block; off is where its activations are.
#define SUBBLOCK(HALF, off) \
	CLEAR \
	HALF(0, off) \
	HALF(1, off) \
	HALF(2, off) \
	HALF(3, off) \
	HALF(4, off) \
	HALF(5, off) \
	HALF(6, off) \
	HALF(7, off) \
	SUBSCALE(0, 264) \
	SCALE((off+ACT_D)) \
	SUBSCALE(64, 328) \
	ADDMIN((off+ACT_S)) \
	VPADDB Y9, Y9, Y9 \
	INCQ SI

#define LOWS(j, off) LOAD(64*j); LOW; QUAD((off+ACT_QUAD*j))
#define HIGHS(j, off) LOAD(64*j); HIGH; QUAD((off+ACT_QUAD*j))

// PAIRS is the sub-blocks of a block, two for every 512 bytes.
#define PAIRS(LOWS, HIGHS, m) \
	BYTES(0x3f, X10, Y10) \
	BYTES(0x30, X11, Y11) \
	KSCALES(m, 0) \
	KSCALES(m, 32) \
	MOVQ SP, SI \
	MOVL $4, R14 \
pair: \
	LINES8(0) \
	SUBBLOCK(LOWS, 0) \
	SUBBLOCK(HIGHS, ACT_SIZE) \
	ADDQ $512, DI \
	ADDQ $(2*ACT_SIZE), R11 \
	DECL R14 \
	JE done \
	CMPL R14, $2 \
	JNE pair \
	ADDQ $124, SI \
	JMP pair \
done:

#define Q4_KPACKED \
	ENTER \
block: \
	LINES4(2048) \
	PAIRS(LOWS, HIGHS, 2048) \
	ADDQ $256, DI \
	SUBQ $8, CX \
	LEAVE

// Q5_K besides:
//
//	R8   fifth bits: bit s of byte j for number j of sub-block s
//	Y8   bytes of 0x10
//	Y9   bit s in every byte

#define FIFTH(j) \
	VPAND (64*j)(R8), Y9, Y10 \
	VPAND (64*j+32)(R8), Y9, Y11 \
	VPCMPEQB Y9, Y10, Y10 \
	VPCMPEQB Y9, Y11, Y11 \
	OR(Y8)

#define LOWFIVES(j, off) \
	LOAD(64*j) \
	LOW \
	FIFTH(j) \
	QUAD((off+ACT_QUAD*j))

#define HIGHFIVES(j, off) \
	LOAD(64*j) \
	HIGH \
	FIFTH(j) \
	QUAD((off+ACT_QUAD*j))

#define Q5_KPACKED \
	ENTER \
	BYTES(0x10, X8, Y8) \
block: \
	LINES8(2048) \
	LINES4(2560) \
	LEAQ 2048(DI), R8 \
	VPCMPEQB Y9, Y9, Y9 \
	VPABSB Y9, Y9 \
	PAIRS(LOWFIVES, HIGHFIVES, 2560) \
	ADDQ $768, DI \
	SUBQ $8, CX \
	LEAVE

// Q6_K, four sub-blocks of 32 columns at a time.
//
//	DI SI R8  low four bits, upper two, scales
//	R14       halves left
//	Y8        bytes of 0x30
//	264(SP)   d

// Quad j of sub-block s: Y4 and Y5 with upper bits, of which SHIFT makes the fifth and the sixth.
#define SIX(s, j, SHIFT, by) \
	SHIFT $by, Y10, Y10 \
	SHIFT $by, Y11, Y11 \
	OR(Y8) \
	QUAD((s*ACT_SIZE+ACT_QUAD*j))

#define UPPER(j) VMOVDQU (64*j)(SI), Y10; VMOVDQU (64*j+32)(SI), Y11
#define SIX0(j) LOAD(64*j); LOW; UPPER(j); SIX(0, j, VPSLLW, 4)
#define SIX1(j) LOAD(64*j+512); LOW; UPPER(j); SIX(1, j, VPSLLW, 2)
#define SIX2(j) LOAD(64*j); HIGH; UPPER(j); OR(Y8); QUAD((2*ACT_SIZE+ACT_QUAD*j))
#define SIX3(j) LOAD(64*j+512); HIGH; UPPER(j); SIX(3, j, VPSRLW, 2)

// A scale for 16 columns.
#define SIXSCALE(i) \
	VPMOVSXBD (16*i)(R8), Y4 \
	VPMOVSXBD (16*i+8)(R8), Y5 \
	VCVTDQ2PS Y4, Y4 \
	VCVTDQ2PS Y5, Y5 \
	VMULPS 264(SP), Y4, Y4 \
	VMULPS 296(SP), Y5, Y5

// REST begins sums at those of the second sixteen columns.
#define REST(s) \
	VPBROADCASTD (s*ACT_SIZE+ACT_N)(R11), Y2 \
	VPBROADCASTD (s*ACT_SIZE+ACT_N16)(R11), Y3 \
	VPSUBD Y3, Y2, Y2 \
	VPSLLD $5, Y2, Y2 \
	VMOVDQA Y2, Y3

#define SIXES(OP, s) \
	OFFSET((s*ACT_SIZE+ACT_N16), 5) \
	OP(0) \
	OP(1) \
	OP(2) \
	OP(3) \
	SIXSCALE((2*s)) \
	SCALE((s*ACT_SIZE+ACT_D)) \
	REST(s) \
	OP(4) \
	OP(5) \
	OP(6) \
	OP(7) \
	SIXSCALE((2*s+1)) \
	SCALE((s*ACT_SIZE+ACT_D))

#define Q6_KPACKED \
	ENTER \
	BYTES(0x30, X8, Y8) \
block: \
	HALVES(3328) \
	VMOVUPS Y4, 264(SP) \
	VMOVUPS Y5, 296(SP) \
	LEAQ 2048(DI), SI \
	LEAQ 3072(DI), R8 \
	MOVL $2, R14 \
	LINES8(2048) \
	LINES8(2560) \
	LINES4(3072) \
half: \
	LINES8(0) \
	LINES8(512) \
	SIXES(SIX0, 0) \
	SIXES(SIX1, 1) \
	SIXES(SIX2, 2) \
	SIXES(SIX3, 3) \
	ADDQ $1024, DI \
	ADDQ $512, SI \
	ADDQ $128, R8 \
	ADDQ $(4*ACT_SIZE), R11 \
	DECL R14 \
	JNE half \
	ADDQ $1312, DI \
	SUBQ $8, CX \
	LEAVE
