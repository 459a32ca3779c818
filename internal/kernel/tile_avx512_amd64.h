// What the tile kernels for AVX-512 with VNNI share: a packed group, 16 weight rows, times 1, 2, 4
// or 8 rows of activations ("tokens").
// One of acts8_avx512_amd64.h and acts16_avx512_amd64.h is included before and says
// what activations look like.
//
//	Z0–Z7    outputs, float32, one register a token
//	Z8–Z15   dot products of this step, int32
//	Z16 Z21  weights of one quad of columns each
//	Z17 Z18  scales, mins
//	Z19      scale times the d of a token; or half a quad, see acts16
//	X20      shift of the offset
//	Z30      bytes of 0x0f
//	K1       every other byte, see acts16
//
//	DI         group blocks
//	R9 R10     activations of tokens 0 and 4;  R11 R12  one and three times their distance
//	DX AX      outputs of tokens 0 and 4;      BX R13   one and three times their distance
//	CX         blocks of 32 columns left
//	R15        passes left: eight rows of activations each

// TOKENSn(OP, …) is OP for each of n tokens: OP(address, int32 sums, outputs).
#define TOKENS1(OP, off) OP(off(R9), Z8, Z0)
#define TOKENS2(OP, off) TOKENS1(OP, off); OP(off(R9)(R11*1), Z9, Z1)
#define TOKENS4(OP, off) TOKENS2(OP, off); OP(off(R9)(R11*2), Z10, Z2); OP(off(R9)(R12*1), Z11, Z3)
#define TOKENS8(OP, off) TOKENS4(OP, off); \
	OP(off(R10), Z12, Z4); OP(off(R10)(R11*1), Z13, Z5); OP(off(R10)(R11*2), Z14, Z6); OP(off(R10)(R12*1), Z15, Z7)

#define OUTPUTS1(OP) OP((DX), Z0)
#define OUTPUTS2(OP) OUTPUTS1(OP); OP((DX)(BX*1), Z1)
#define OUTPUTS4(OP) OUTPUTS2(OP); OP((DX)(BX*2), Z2); OP((DX)(R13*1), Z3)
#define OUTPUTS8(OP) OUTPUTS4(OP); OP((AX), Z4); OP((AX)(BX*1), Z5); OP((AX)(BX*2), Z6); OP((AX)(R13*1), Z7)

#define CLEAROUT(m, out) VPXORD out, out, out
#define STOREOUT(m, out) VMOVUPS out, m

#define CLEAR(x, sum, out) VPXORD sum, sum, sum
#define OFFSET(x, sum, out) VPBROADCASTD x, sum; VPSLLD X20, sum, sum
#define BROADCAST(x, sum, out) VPBROADCASTD x, sum
#define REST(x, sum, out) VPSUBD.BCST x, sum, sum; VPSLLD X20, sum, sum
#define SCALE(x, sum, out) VCVTDQ2PS sum, sum; VMULPS.BCST x, Z17, Z19; VFMADD231PS Z19, sum, out
#define ADDMIN(x, sum, out) VFMADD231PS.BCST x, Z18, out

// LINESn asks memory for n lines of the group block that is four kilobytes on: the processor
// does so by itself, but not across pages, and not far enough while a group is computed.
#define AHEAD(at) PREFETCHT0 (4096+at)(DI)
#define LINES2(at) AHEAD((at)); AHEAD((at+64))
#define LINES4(at) LINES2((at)); LINES2((at+128))
#define LINES5(at) LINES4((at)); AHEAD((at+256))
#define LINES6(at) LINES4((at)); LINES2((at+256))
#define LINES8(at) LINES4((at)); LINES4((at+256))
#define LINES9(at) LINES8((at)); AHEAD((at+512))

// PAGESn asks for about as many lines of the sixteen kilobytes after those that DI is in, to come as near as
// the second cache: in turn one of each of their four pages. A processor reads ahead in each page by
// itself, so with four it has more under way than with one, for a kernel that waits for nothing else.
#define UNIT(at) \
	LEAQ (16384+at)(DI), R12 \
	MOVQ R12, R13 \
	SHRQ $2, R13 \
	ANDL $0xfc0, R13 \
	ANDQ $~16383, R12 \
	ADDQ R13, R12 \
	PREFETCHT1 (R12) \
	PREFETCHT1 4096(R12) \
	PREFETCHT1 8192(R12) \
	PREFETCHT1 12288(R12)
#define PAGES4(at) UNIT((at))
#define PAGES5(at) UNIT((at))
#define PAGES6(at) UNIT((at))
#define PAGES8(at) UNIT((at)); UNIT((at+256))
#define PAGES9(at) PAGES8((at))

#define BYTES(value, Z) MOVL $(value*0x01010101), AX; VPBROADCASTD AX, Z
#define HALVES(m, Z) VCVTPH2PS m, Z

#define ENTER(OUTPUTS) \
	CONSTANTS \
	MOVQ t+0(FP), AX \
	MOVQ tile_src(AX), DI \
	MOVQ ACT_FIRST(AX), R9 \
	MOVQ tile_stride(AX), R11 \
	IMULQ $ACT_SIZE, R11 \
	LEAQ (R11)(R11*2), R12 \
	LEAQ (R9)(R11*4), R10 \
	MOVQ tile_out(AX), DX \
	MOVQ tile_outStride(AX), BX \
	SHLQ $2, BX \
	LEAQ (BX)(BX*2), R13 \
	MOVQ tile_blocks(AX), CX \
	VMOVQ tile_shift(AX), X20 \
	MOVQ (tile_passes+passes_n)(AX), R15 \
	LEAQ (DX)(BX*4), AX \
group: \
	OUTPUTS(CLEAROUT)

// LEAVE goes on to the next block, the group's next eight rows of activations, or the next group: a call
// for each is felt. The last instruction before it counts the blocks done, which are those of whole rows.
#define LEAVE(OUTPUTS) \
	JNE block \
	OUTPUTS(STOREOUT) \
	MOVQ t+0(FP), SI \
	MOVQ tile_blocks(SI), CX \
	DECQ R15 \
	JE over \
	SUBQ (tile_passes+passes_bytes)(SI), DI \
	LEAQ (R10)(R12*1), R9 \
	LEAQ (R9)(R11*4), R10 \
	LEAQ (AX)(BX*4), DX \
	LEAQ (DX)(BX*4), AX \
	JMP group \
over: \
	MOVQ (tile_passes+passes_n)(SI), R15 \
	MOVQ ACT_FIRST(SI), R9 \
	LEAQ (R9)(R11*4), R10 \
	SUBQ (tile_passes+passes_back)(SI), DX \
	LEAQ (DX)(BX*4), AX \
	DECQ (tile_passes+passes_left)(SI) \
	JNE group \
	VZEROUPPER \
	RET
