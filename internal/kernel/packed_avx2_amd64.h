// Tile kernels for AVX2 that read packed groups: see tile_avx2_amd64.h. For few tokens a panel
// would be written and hardly be read, and memory idle meanwhile.
//
//	DI   group blocks
//	R10  groups left
//	AX   how far ahead memory is asked for
//	Y14  bytes of 0x0f

#include "registers_avx2_amd64.h"

#define PACKED(TOKENS) \
	ENTER \
	MOVQ tile_src(AX), DI \
	MOVQ tile_groups(AX), R10 \
	BYTES(0x0f, X14, Y14) \
	MOVQ t+0(FP), AX \
	MOVQ (tile_passes+passes_first)(AX), AX \
group: \
	VXORPS Y12, Y12, Y12 \
	TOKENS(ZERO, 0)

// LEAVEGROUP goes on to the next block, the group's next four rows of activations, or the next group: in
// a narrow matrix a call for each group is felt. The last instruction before it counts the blocks done,
// which are those of whole rows.
#define LEAVEGROUP \
	JNE block \
	MOVQ t+0(FP), R15 \
	MOVQ tile_blocks(R15), CX \
	CMPQ AX, (tile_passes+passes_last)(R15) \
	JCC over \
	ADDQ $64, AX \
	SUBQ (tile_passes+passes_bytes)(R15), DI \
	ADDQ R12, R9 \
	LEAQ (DX)(BX*4), DX \
	JMP group \
over: \
	MOVQ (tile_passes+passes_first)(R15), AX \
	MOVQ ACT_FIRST(R15), R9 \
	SUBQ (tile_passes+passes_back)(R15), DX \
	DECQ R10 \
	JNE group \
	VZEROUPPER \
	RET

// AHEAD asks memory for lines of the group blocks that come: see AHEAD of the tiles for AVX-512. With
// four rows of activations at a time a kernel asks for every other line, and in the next pass, which is
// AX for, for those between: memory would be idle else while a group's second four rows are multiplied.
#define AHEAD(at) PREFETCHT0 (at)(DI)(AX*1)
#define BOTH(at) AHEAD((at)); AHEAD((at+64))
#define OTHER(at) AHEAD((at))
#define LINES4(ASK, at) ASK((at)); ASK((at+128))
#define LINES8(ASK, at) LINES4(ASK, (at)); LINES4(ASK, (at+256))

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
