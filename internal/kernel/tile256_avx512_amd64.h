// Tile kernels for AVX-512 of the formats with blocks of 256 columns.

DATA masks<>+0(SB)/4, $0x3f3f3f3f
DATA masks<>+4(SB)/4, $0x30303030
DATA masks<>+8(SB)/4, $0x80000000
GLOBL masks<>(SB), RODATA|NOPTR, $12

// Q4_K and Q5_K, two sub-blocks of 32 columns at a time.
//
//	Z22 Z23  d, -dmin
//	Z24 Z25  scales and mins of four sub-blocks, the next in the lowest byte of a row's lane
//	Z26 Z27  those of sub-blocks 4–7
//	Z28      255 in every lane
//	R14      pairs of sub-blocks left

// The twelve bytes of kScales as three doublewords a row, d and dmin, at m.
#define KSCALES(m) \
	VMOVDQU64 (m)(DI), Z8 \
	VMOVDQU64 (m+64)(DI), Z9 \
	VMOVDQU64 (m+128)(DI), Z10 \
	HALVES((m+192)(DI), Z22) \
	HALVES((m+224)(DI), Z23) \
	VPXORD.BCST masks<>+8(SB), Z23, Z23 \
	VPANDD.BCST masks<>+0(SB), Z8, Z24 \
	VPANDD.BCST masks<>+0(SB), Z9, Z25 \
	VPSRLD $2, Z8, Z8 \
	VPSRLD $2, Z9, Z9 \
	VPANDD.BCST masks<>+4(SB), Z8, Z8 \
	VPANDD.BCST masks<>+4(SB), Z9, Z9 \
	VPSRLD $4, Z10, Z11 \
	VPANDD Z30, Z10, Z10 \
	VPANDD Z30, Z11, Z11 \
	VPORD Z10, Z8, Z26 \
	VPORD Z11, Z9, Z27

// Scale and min of the next sub-block.
#define NEXTSCALE \
	VPANDD Z28, Z24, Z17 \
	VPANDD Z28, Z25, Z18 \
	VPSRLD $8, Z24, Z24 \
	VPSRLD $8, Z25, Z25 \
	VCVTDQ2PS Z17, Z17 \
	VCVTDQ2PS Z18, Z18 \
	VMULPS Z22, Z17, Z17 \
	VMULPS Z23, Z18, Z18

// A sub-block; off is where its activations are.
#define SUBBLOCK(QUAD, TOKENS, off) \
	TOKENS(CLEAR, 0) \
	QUAD(TOKENS, 0, off) \
	QUAD(TOKENS, 1, off) \
	QUAD(TOKENS, 2, off) \
	QUAD(TOKENS, 3, off) \
	QUAD(TOKENS, 4, off) \
	QUAD(TOKENS, 5, off) \
	QUAD(TOKENS, 6, off) \
	QUAD(TOKENS, 7, off) \
	NEXTSCALE \
	TOKENS(SCALE, (off+ACT_D)) \
	TOKENS(ADDMIN, (off+ACT_S))

#define LOW(TOKENS, j, off) \
	VPANDD (64*j)(DI), Z30, Z16 \
	QUAD16(TOKENS, (off+ACT_QUAD*j))

#define HIGH(TOKENS, j, off) \
	VMOVDQU64 (64*j)(DI), Z16 \
	VPSRLW $4, Z16, Z16 \
	VPANDD Z30, Z16, Z16 \
	QUAD16(TOKENS, (off+ACT_QUAD*j))

#define Q4_KTILE(TOKENS, OUTPUTS, ASK4, ASK8) \
	ENTER(OUTPUTS) \
	VPTERNLOGD $0xff, Z28, Z28, Z28 \
	VPSRLD $24, Z28, Z28 \
block: \
	KSCALES(2048) \
	MOVL $4, R14 \
	ASK4(2048) \
pair: \
	ASK8(0) \
	SUBBLOCK(LOW, TOKENS, 0) \
	SUBBLOCK(HIGH, TOKENS, ACT_SIZE) \
	ADDQ $512, DI \
	ADDQ $(2*ACT_SIZE), R9 \
	ADDQ $(2*ACT_SIZE), R10 \
	DECL R14 \
	JE done \
	CMPL R14, $2 \
	JNE pair \
	VMOVDQA64 Z26, Z24 \
	VMOVDQA64 Z27, Z25 \
	JMP pair \
done: \
	ADDQ $256, DI \
	SUBQ $8, CX \
	LEAVE(OUTPUTS)

// Q5_K besides:
//
//	SI       fifth bits: bit s of byte j for number j of sub-block s
//	Z29      by how much to turn them to the left for this sub-block
//	Z31      bytes of 0x10

#define LOWFIVE(TOKENS, j, off) \
	VPANDD (64*j)(DI), Z30, Z16 \
	VMOVDQU64 (64*j)(SI), Z21 \
	VPROLVD Z29, Z21, Z21 \
	VPTERNLOGD $0xf8, Z31, Z21, Z16 \
	QUAD16(TOKENS, (off+ACT_QUAD*j))

#define HIGHFIVE(TOKENS, j, off) \
	VMOVDQU64 (64*j)(DI), Z16 \
	VPSRLW $4, Z16, Z16 \
	VPANDD Z30, Z16, Z16 \
	VMOVDQU64 (64*j)(SI), Z21 \
	VPROLVD Z29, Z21, Z21 \
	VPTERNLOGD $0xf8, Z31, Z21, Z16 \
	QUAD16(TOKENS, (off+ACT_QUAD*j))

// One less to the left: Z29 less 1.
#define TURN VPTERNLOGD $0xff, Z21, Z21, Z21; VPADDD Z21, Z29, Z29

#define Q5_KTILE(TOKENS, OUTPUTS, ASK4, ASK8) \
	BYTES(0x10, Z31) \
	ENTER(OUTPUTS) \
	VPTERNLOGD $0xff, Z28, Z28, Z28 \
	VPSRLD $24, Z28, Z28 \
block: \
	KSCALES(2560) \
	LEAQ 2048(DI), SI \
	MOVL $4, R14 \
	VPBROADCASTD R14, Z29 \
	ASK8(2048) \
	ASK4(2560) \
pair: \
	ASK8(0) \
	SUBBLOCK(LOWFIVE, TOKENS, 0) \
	TURN \
	SUBBLOCK(HIGHFIVE, TOKENS, ACT_SIZE) \
	TURN \
	ADDQ $512, DI \
	ADDQ $(2*ACT_SIZE), R9 \
	ADDQ $(2*ACT_SIZE), R10 \
	DECL R14 \
	JE done \
	CMPL R14, $2 \
	JNE pair \
	VMOVDQA64 Z26, Z24 \
	VMOVDQA64 Z27, Z25 \
	JMP pair \
done: \
	ADDQ $768, DI \
	SUBQ $8, CX \
	LEAVE(OUTPUTS)

// Q6_K, four sub-blocks of 32 columns at a time.
//
//	DI SI R8  low four bits, upper two, scales
//	R14       halves left
//	Z22       d
//	Z31       bytes of 0x30

// Quad j of sub-block s: what is in Z16 with the upper bits from Z21.
#define SIX(TOKENS, s, j) \
	VPTERNLOGD $0xf8, Z31, Z21, Z16 \
	QUAD16(TOKENS, (s*ACT_SIZE+ACT_QUAD*j))

#define SIX0(TOKENS, j) VPANDD (64*j)(DI), Z30, Z16; VMOVDQU64 (64*j)(SI), Z21; VPSLLW $4, Z21, Z21; SIX(TOKENS, 0, j)
#define SIX1(TOKENS, j) VPANDD (64*j+512)(DI), Z30, Z16; VMOVDQU64 (64*j)(SI), Z21; VPSLLW $2, Z21, Z21; SIX(TOKENS, 1, j)
#define SIX2(TOKENS, j) \
	VMOVDQU64 (64*j)(DI), Z16 \
	VPSRLW $4, Z16, Z16 \
	VPANDD Z30, Z16, Z16 \
	VMOVDQU64 (64*j)(SI), Z21 \
	SIX(TOKENS, 2, j)
#define SIX3(TOKENS, j) \
	VMOVDQU64 (64*j+512)(DI), Z16 \
	VPSRLW $4, Z16, Z16 \
	VPANDD Z30, Z16, Z16 \
	VMOVDQU64 (64*j)(SI), Z21 \
	VPSRLW $2, Z21, Z21 \
	SIX(TOKENS, 3, j)

// A scale for 16 columns.
#define SIXSCALE(i) VPMOVSXBD (16*i)(R8), Z17; VCVTDQ2PS Z17, Z17; VMULPS Z22, Z17, Z17

#define SIXES(QUAD, TOKENS, s) \
	TOKENS(OFFSET, (s*ACT_SIZE+ACT_N16)) \
	QUAD(TOKENS, 0) \
	QUAD(TOKENS, 1) \
	QUAD(TOKENS, 2) \
	QUAD(TOKENS, 3) \
	SIXSCALE((2*s)) \
	TOKENS(SCALE, (s*ACT_SIZE+ACT_D)) \
	TOKENS(BROADCAST, (s*ACT_SIZE+ACT_N)) \
	TOKENS(REST, (s*ACT_SIZE+ACT_N16)) \
	QUAD(TOKENS, 4) \
	QUAD(TOKENS, 5) \
	QUAD(TOKENS, 6) \
	QUAD(TOKENS, 7) \
	SIXSCALE((2*s+1)) \
	TOKENS(SCALE, (s*ACT_SIZE+ACT_D))

#define Q6_KTILE(TOKENS, OUTPUTS, ASK4, ASK8) \
	BYTES(0x30, Z31) \
	ENTER(OUTPUTS) \
block: \
	HALVES(3328(DI), Z22) \
	LEAQ 2048(DI), SI \
	LEAQ 3072(DI), R8 \
	MOVL $2, R14 \
	ASK8(2048) \
	ASK8(2560) \
	ASK4(3072) \
half: \
	ASK8(0) \
	ASK8(512) \
	SIXES(SIX0, TOKENS, 0) \
	SIXES(SIX1, TOKENS, 1) \
	SIXES(SIX2, TOKENS, 2) \
	SIXES(SIX3, TOKENS, 3) \
	ADDQ $1024, DI \
	ADDQ $512, SI \
	ADDQ $128, R8 \
	ADDQ $(4*ACT_SIZE), R9 \
	ADDQ $(4*ACT_SIZE), R10 \
	DECL R14 \
	JNE half \
	ADDQ $1312, DI \
	SUBQ $8, CX \
	LEAVE(OUTPUTS)
