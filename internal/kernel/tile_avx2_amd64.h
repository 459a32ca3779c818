// What the tile kernels for AVX2 share: 16 weight rows, of a panel or of a packed group, times 1, 2
// or 4 rows of activations ("tokens"). What is broadcast serves rows 0–7 and 8–15, which spares a
// fifth of all instructions; the outputs stay in memory, since the sums of four tokens take half
// of the registers.
// One of acts8_avx2_amd64.h and acts16_avx2_amd64.h is included before and says what
// activations look like.
//
//	Y0–Y3    dot products of this step, of rows 0–7, a register for each token
//	Y4–Y7    the same of rows 8–15
//	Y8 Y9    weights of a quad of columns, a byte each; or scales, or mins
//	Y10 Y11  what formats and activations need
//	Y12 Y13  products
//	Y14      shift of the offset, or bytes of 0x0f
//	Y15      what activations need
//
//	DI         panel, or group blocks
//	R9         activations of token 0;  R11 R12  one and three times their distance
//	DX         outputs of token 0;      BX R13   one and three times their distance
//	CX         blocks of 32 columns left

// TOKENSn(OP, …) is OP for each of n tokens: OP(address, two sums, address of the outputs).
#define TOKENS1(OP, off) OP(off(R9), Y0, Y4, (DX), 32(DX))
#define TOKENS2(OP, off) TOKENS1(OP, off); OP(off(R9)(R11*1), Y1, Y5, (DX)(BX*1), 32(DX)(BX*1))
#define TOKENS4(OP, off) TOKENS2(OP, off); \
	OP(off(R9)(R11*2), Y2, Y6, (DX)(BX*2), 32(DX)(BX*2)); OP(off(R9)(R12*1), Y3, Y7, (DX)(R13*1), 32(DX)(R13*1))

#define BYTES(value, X, Y) MOVL $(value*0x01010101), AX; VMOVD AX, X; VPBROADCASTD X, Y

#define ZERO(x, a, b, out0, out1) VMOVUPS Y12, out0; VMOVUPS Y12, out1
#define CLEAR(x, a, b, out0, out1) VPXOR a, a, a; VPXOR b, b, b
#define BROADCAST(x, a, b, out0, out1) VPBROADCASTD x, a

// SCALE multiplies sums with scales, in Y8 and Y9, and adds the outputs so far; ADDMIN adds mins.
#define SCALE(x, a, b, out0, out1) \
	VCVTDQ2PS a, a \
	VCVTDQ2PS b, b \
	VBROADCASTSS x, Y12 \
	VMULPS Y8, Y12, Y13 \
	VMULPS Y9, Y12, Y12 \
	VFMADD213PS out0, Y13, a \
	VFMADD213PS out1, Y12, b
#define ADDMIN(x, a, b, out0, out1) \
	VBROADCASTSS x, Y12 \
	VFMADD231PS Y8, Y12, a \
	VFMADD231PS Y9, Y12, b
#define STORE(x, a, b, out0, out1) VMOVUPS a, out0; VMOVUPS b, out1

// ENTER leaves the tile in AX.
#define ENTER \
	MOVQ t+0(FP), AX \
	MOVQ ACT_FIRST(AX), R9 \
	MOVQ tile_stride(AX), R11 \
	IMULQ $ACT_SIZE, R11 \
	LEAQ (R11)(R11*2), R12 \
	MOVQ tile_out(AX), DX \
	MOVQ tile_outStride(AX), BX \
	SHLQ $2, BX \
	LEAQ (BX)(BX*2), R13 \
	MOVQ tile_blocks(AX), CX \
	CONSTANTS \
	VXORPS Y12, Y12, Y12

// The last instruction before it counts the blocks done.
#define LEAVE \
	JNE block \
	VZEROUPPER \
	RET
