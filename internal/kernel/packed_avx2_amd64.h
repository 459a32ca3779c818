// What the kernels for AVX2 share that read packed groups: 16 weight rows times one row of
// activations. A panel would be written and read once.
// One of acts8_avx2_amd64.h and acts16_avx2_amd64.h is included before and says what
// activations look like.
//
//	Y0 Y1    outputs of rows 0–7 and 8–15, float32
//	Y2 Y3    dot products of this step, int32
//	Y4 Y5    weights of a quad of columns, a byte each
//	Y6 Y7    activations, or scales
//	Y8–Y11   free for what formats and activations need
//	Y12 Y13  64 packed bytes
//	Y14      bytes of 0x0f
//	Y15      what activations need
//
//	DI  group blocks
//	R11 activations
//	CX  blocks of 32 columns left
//	DX  outputs

#define BYTES(value, X, Y) MOVL $(value*0x01010101), AX; VMOVD AX, X; VPBROADCASTD X, Y

#define ENTER \
	MOVQ t+0(FP), AX \
	MOVQ tile_src(AX), DI \
	MOVQ ACT_FIRST(AX), R11 \
	MOVQ tile_out(AX), DX \
	MOVQ tile_blocks(AX), CX \
	BYTES(0x0f, X14, Y14) \
	CONSTANTS \
	VXORPS Y0, Y0, Y0 \
	VXORPS Y1, Y1, Y1

// The last instruction before it counts the blocks done.
#define LEAVE \
	JNE block \
	VMOVUPS Y0, (DX) \
	VMOVUPS Y1, 32(DX) \
	VZEROUPPER \
	RET

// AHEAD asks memory for lines of the group blocks that come: see AHEAD of the tiles for AVX-512.
#define AHEAD(at) PREFETCHT0 (4096+at)(DI)
#define LINES2(at) AHEAD((at)); AHEAD((at+64))
#define LINES4(at) LINES2((at)); LINES2((at+128))
#define LINES8(at) LINES4((at)); LINES4((at+256))

#define CLEAR VPXOR Y2, Y2, Y2; VPXOR Y3, Y3, Y3

// OFFSET begins sums at the activations' negated sum times 1<<shift.
#define OFFSET(at, shift) VPBROADCASTD at(R11), Y2; VPSLLD $shift, Y2, Y2; VMOVDQA Y2, Y3

// SCALE adds sums times scales, in Y4 and Y5, to the outputs, ADDMIN mins.
#define SCALE(at) \
	VBROADCASTSS at(R11), Y6 \
	VCVTDQ2PS Y2, Y2 \
	VCVTDQ2PS Y3, Y3 \
	VMULPS Y6, Y4, Y4 \
	VMULPS Y6, Y5, Y5 \
	VFMADD231PS Y4, Y2, Y0 \
	VFMADD231PS Y5, Y3, Y1
#define ADDMIN(at) \
	VBROADCASTSS at(R11), Y6 \
	VFMADD231PS Y6, Y4, Y0 \
	VFMADD231PS Y6, Y5, Y1

// HALVES reads sixteen numbers of half precision to Y4 and Y5.
#define HALVES(at) VCVTPH2PS (at)(DI), Y4; VCVTPH2PS (at+16)(DI), Y5

// LOAD reads 64 packed bytes.
#define LOAD(at) VMOVDQU (at)(DI), Y12; VMOVDQU (at+32)(DI), Y13
#define LOW VPAND Y14, Y12, Y4; VPAND Y14, Y13, Y5
#define HIGH VPSRLW $4, Y12, Y4; VPSRLW $4, Y13, Y5; VPAND Y14, Y4, Y4; VPAND Y14, Y5, Y5

// OR adds upper bits to Y4 and Y5: those of Y10 and Y11 that are in mask.
#define OR(mask) \
	VPAND mask, Y10, Y10 \
	VPAND mask, Y11, Y11 \
	VPOR Y10, Y4, Y4 \
	VPOR Y11, Y5, Y5
