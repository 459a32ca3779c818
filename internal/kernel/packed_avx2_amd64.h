// Tile kernels for AVX2 that read packed groups: see tile_avx2_amd64.h. For few tokens a panel
// would be written and hardly be read, and memory idle meanwhile.
//
//	DI   group blocks
//	R10  groups left
//	Y14  bytes of 0x0f

#define PACKED(TOKENS) \
	ENTER \
	MOVQ tile_src(AX), DI \
	MOVQ tile_groups(AX), R10 \
	BYTES(0x0f, X14, Y14) \
group: \
	VXORPS Y12, Y12, Y12 \
	TOKENS(ZERO, 0)

// LEAVEGROUP goes on to the next block, or group: a call for each group of a narrow matrix would take
// as long as a tenth of it. The last instruction before it counts the blocks done.
#define LEAVEGROUP \
	JNE block \
	MOVQ t+0(FP), AX \
	MOVQ ACT_FIRST(AX), R9 \
	MOVQ tile_blocks(AX), CX \
	ADDQ $64, DX \
	DECQ R10 \
	JNE group \
	VZEROUPPER \
	RET

// AHEAD asks memory for lines of the group blocks that come: see AHEAD of the tiles for AVX-512.
#define AHEAD(at) PREFETCHT0 (4096+at)(DI)
#define LINES2(at) AHEAD((at)); AHEAD((at+64))
#define LINES4(at) LINES2((at)); LINES2((at+128))
#define LINES8(at) LINES4((at)); LINES4((at+256))

// OFFSETn begins sums at the activations' negated sum times 1<<n.
#define OFFSET3(x, a, b, out0, out1) VPBROADCASTD x, a; VPSLLD $3, a, a; VMOVDQA a, b
#define OFFSET4(x, a, b, out0, out1) VPBROADCASTD x, a; VPSLLD $4, a, a; VMOVDQA a, b
#define OFFSET5(x, a, b, out0, out1) VPBROADCASTD x, a; VPSLLD $5, a, a; VMOVDQA a, b

// HALVES reads sixteen numbers of half precision to Y8 and Y9.
#define HALVES(at) VCVTPH2PS (at)(DI), Y8; VCVTPH2PS (at+16)(DI), Y9

// LOW and HIGH are the halves of 64 packed bytes.
#define LOAD(at) VMOVDQU (at)(DI), Y8; VMOVDQU (at+32)(DI), Y9
#define LOW(at) VPAND (at)(DI), Y14, Y8; VPAND (at+32)(DI), Y14, Y9
#define HIGH(at) LOAD(at); VPSRLW $4, Y8, Y8; VPSRLW $4, Y9, Y9; VPAND Y14, Y8, Y8; VPAND Y14, Y9, Y9

// UPPER adds upper bits to Y8 and Y9: those of Y10 and Y11 that are in mask.
#define UPPER(mask) \
	VPAND mask, Y10, Y10 \
	VPAND mask, Y11, Y11 \
	VPOR Y10, Y8, Y8 \
	VPOR Y11, Y9, Y9

#define EVERY(value, name) \
	DATA name<>+0(SB)/8, $value \
	DATA name<>+8(SB)/8, $value \
	DATA name<>+16(SB)/8, $value \
	DATA name<>+24(SB)/8, $value \
	GLOBL name<>(SB), RODATA|NOPTR, $32
