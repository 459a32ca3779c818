//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "registers_avx512_amd64.h"
#include "amx_amd64.h"
#include "prefetchw_amd64.h"

// Products on the tiles of AMX, see tiled.go. In each step the sums of the next block leave
// their tiles, those of the block two after that are begun, and those of this one are
// scaled and added to the outputs. While tiles work, the processor has half its rate of
// float32, and that is what this takes: hence as few operations for a sum as there can be.
//
//	SI        activations of the block to be computed, X_SIZE bytes
//	DI        its weights;  R8  how many blocks of its group are left
//	R9        d and s of the block to be added;  R11 R12  its scales and mins
//	R13       how many blocks are left of those
//	BX R10    sums of the next block and of this, SUM bytes each of those in a tile
//	AX DX     64 and 32, bytes between rows
//	R14       activations of the sixteen rows;  CX  sixteens left
//	first out outputs of the sixteen rows, of this group;  groups begun  those left, and not yet begun
//	sums      blocks of all groups that have not been added
//	Z0–Z15    outputs;  Z28 Z30  scales, Z31  mins of sixteen weight rows;  Z29  toFloat or byteUp

#define SUM 1024
#define D(X_SIZE) (X_SIZE-128)
#define S(X_SIZE) (X_SIZE-64)

#define BYTES_SIZE byteTile__size
#define PAIRS_SIZE pairTile__size
#define WORDS_SIZE wordTile__size

// The bits of 1.5 * 2^23: with an integer between -2^22 and 2^22 added to them they are those
// of their sum, and that less this number is the integer as float32. Additions and subtractions
// keep their rate beside tiles, conversions do not.
DATA toFloat<>+0(SB)/4, $0x4b400000
GLOBL toFloat<>(SB), RODATA|NOPTR, $4

// What makes 256 of each number.
DATA byteUp<>+0(SB)/4, $0x02010080
DATA byteUp<>+4(SB)/4, $0x06050480
DATA byteUp<>+8(SB)/4, $0x0a090880
DATA byteUp<>+12(SB)/4, $0x0e0d0c80
GLOBL byteUp<>(SB), RODATA|NOPTR, $16

// What is computed of a block, and left in tiles from T on.
#define BYTES_PRODUCTS(T) \
	TILELOADD(6, 7, 0, 0) \
	TILELOADD(4, 6, 2, 0) \
	TILEZERO(T) \
	TDPBSSD(T, 4, 6)
#define PAIRS_PRODUCTS(T) \
	TILELOADD(6, 7, 0, 0) \
	TILELOADD(4, 6, 0, 0) \
	TILELOADD(5, 6, 0, 1024) \
	TILEZERO(T) \
	TDPBF16PS(T, 4, 6) \
	TDPBF16PS(T, 5, 6)
#define WORDS_PRODUCTS(T) \
	TILELOADD(6, 7, 0, 0) \
	TILELOADD(4, 6, 2, 0) \
	TILELOADD(5, 6, 2, 512) \
	TILEZERO(T) \
	TDPBSSD(T, 4, 6) \
	TILEZERO(T+1) \
	TDPBUSD(T+1, 5, 6)
#define BYTES16_PRODUCTS(T) \
	BYTES_PRODUCTS(T) \
	TILELOADD(7, 7, 0, 256) \
	TILELOADD(5, 6, 2, 16) \
	TILEZERO(T+1) \
	TDPBSSD(T+1, 5, 7)
#define PAIRS16_PRODUCTS(T) \
	PAIRS_PRODUCTS(T) \
	TILELOADD(7, 7, 0, 512) \
	TILELOADD(4, 6, 0, 32) \
	TILELOADD(5, 6, 0, 1056) \
	TILEZERO(T+1) \
	TDPBF16PS(T+1, 4, 7) \
	TDPBF16PS(T+1, 5, 7)

#define STORES1(T) TILESTORED(T, 3, 0, 0)
#define STORES2(T) STORES1(T); TILESTORED(T+1, 3, 0, 1024)

// The sums of row I, scaled, added to its outputs O.
#define BYTES_SUM(AT, SCALE, I, O, T, U) \
	VPADDD (AT+64*I)(R10), Z29, U \
	VSUBPS Z29, U, U \
	VMULPS.BCST (D(BYTES_SIZE)+4*I)(R9), SCALE, T \
	VFMADD231PS U, T, O
#define BYTES_ROW(I, O, T, U) BYTES_SUM(0, Z30, I, O, T, U)
#define PAIRS_ROW(I, O, T, U) \
	VFMADD231PS (64*I)(R10), Z30, O
#define WORDS_ROW(I, O, T, U) \
	VMOVDQU32 (64*I)(R10), U \
	VPSHUFB Z29, U, U \
	VPADDD (SUM+64*I)(R10), U, U \
	VCVTDQ2PS U, U \
	VMULPS.BCST (D(WORDS_SIZE)+4*I)(R9), Z30, T \
	VFMADD231PS U, T, O
#define BYTES16_ROW(I, O, T, U) \
	BYTES_ROW(I, O, T, U) \
	BYTES_SUM(SUM, Z28, I, O, T, U)
#define PAIRS16_ROW(I, O, T, U) \
	PAIRS_ROW(I, O, T, U) \
	VFMADD231PS (SUM+64*I)(R10), Z28, O

// What the mins of row I make.
#define BYTES_MIN(I, O) VFMADD231PS.BCST (S(BYTES_SIZE)+4*I)(R9), Z31, O
#define PAIRS_MIN(I, O) VFMADD231PS.BCST (S(PAIRS_SIZE)+4*I)(R9), Z31, O
#define WORDS_MIN(I, O) VFMADD231PS.BCST (S(WORDS_SIZE)+4*I)(R9), Z31, O

#define ROWS(ROW) \
	ROW(0, Z0, Z16, Z22) \
	ROW(1, Z1, Z17, Z23) \
	ROW(2, Z2, Z18, Z24) \
	ROW(3, Z3, Z19, Z25) \
	ROW(4, Z4, Z20, Z26) \
	ROW(5, Z5, Z21, Z27) \
	ROW(6, Z6, Z16, Z22) \
	ROW(7, Z7, Z17, Z23) \
	ROW(8, Z8, Z18, Z24) \
	ROW(9, Z9, Z19, Z25) \
	ROW(10, Z10, Z20, Z26) \
	ROW(11, Z11, Z21, Z27) \
	ROW(12, Z12, Z16, Z22) \
	ROW(13, Z13, Z17, Z23) \
	ROW(14, Z14, Z18, Z24) \
	ROW(15, Z15, Z19, Z25)

#define MINS(MIN) \
	MIN(0, Z0) \
	MIN(1, Z1) \
	MIN(2, Z2) \
	MIN(3, Z3) \
	MIN(4, Z4) \
	MIN(5, Z5) \
	MIN(6, Z6) \
	MIN(7, Z7) \
	MIN(8, Z8) \
	MIN(9, Z9) \
	MIN(10, Z10) \
	MIN(11, Z11) \
	MIN(12, Z12) \
	MIN(13, Z13) \
	MIN(14, Z14) \
	MIN(15, Z15)

#define SCALE VMOVUPS (R11), Z30; ADDQ $64, R11
#define SCALE16 VMOVUPS (R11), Z30; VMOVUPS 64(R11), Z28; ADDQ $128, R11

#define GET4(A, B, C, D) \
	VMOVUPS (DI), A \
	ADDQ DX, DI \
	VMOVUPS (DI), B \
	ADDQ DX, DI \
	VMOVUPS (DI), C \
	ADDQ DX, DI \
	VMOVUPS (DI), D \
	ADDQ DX, DI

// OWN4 asks for four rows of outputs, to write them: they come meanwhile, from another core
// that wrote them last.
#define OWN4 \
	PREFETCHW_DI \
	ADDQ DX, DI \
	PREFETCHW_DI \
	ADDQ DX, DI \
	PREFETCHW_DI \
	ADDQ DX, DI \
	PREFETCHW_DI \
	ADDQ DX, DI

// COMPUTE begins with the next block, if there is one: of this group, or of the next.
#define COMPUTE(X_SIZE, Q_SIZE, PRODUCTS, LABEL) \
	TESTQ R8, R8 \
	JEQ LABEL \
	PRODUCTS \
	ADDQ $X_SIZE, SI \
	ADDQ $Q_SIZE, DI \
	DECQ R8 \
	JNE LABEL \
	DECQ begun-40(SP) \
	JEQ LABEL \
	MOVQ R14, SI \
	MOVQ tiledCall_blocks(R15), R8 \
LABEL:

// UNIT adds the sums of a block to the outputs. Before, those of the next leave their tiles, which were
// begun two blocks ago and should be done, and begin with a block there.
#define UNIT(X_SIZE, Q_SIZE, STORES, PRODUCTS, SCALE, ROW, MIN, LABEL, NEXT) \
	XCHGQ BX, R10 \
	DECQ sums-48(SP) \
	JEQ LABEL \
	STORES \
	COMPUTE(X_SIZE, Q_SIZE, PRODUCTS, LABEL) \
	SCALE \
	ROWS(ROW) \
	TESTQ R12, R12 \
	JEQ NEXT \
	VMOVUPS (R12), Z31 \
	ADDQ $64, R12 \
	MINS(MIN) \
NEXT: \
	ADDQ $X_SIZE, R9 \
	DECQ R13

#define KERNEL(SHAPES, CONSTANT, X_SIZE, Q_SIZE, OTHER, PRODUCTS, STORES, SCALE, ROW, MIN) \
	MOVQ t+0(FP), R15 \
	LEAQ SHAPES(SB), DI \
	LDTILECFG_DI \
	CONSTANT \
	MOVQ $64, AX \
	MOVQ $32, DX \
	MOVQ tiledCall_rows(R15), CX \
	MOVQ tiledCall_x(R15), R14 \
	MOVQ tiledCall_out(R15), DI \
	MOVQ DI, first-32(SP) \
rows: \
	MOVQ first-32(SP), DI \
	MOVQ DI, out-8(SP) \
	MOVQ tiledCall_blocks(R15), R8 \
	MOVQ tiledCall_groups(R15), DI \
	MOVQ DI, groups-24(SP) \
	MOVQ DI, begun-40(SP) \
	IMULQ R8, DI \
	MOVQ DI, sums-48(SP) \
	MOVQ R14, SI \
	MOVQ tiledCall_q(R15), DI \
	MOVQ tiledCall_scale(R15), R11 \
	MOVQ tiledCall_mins(R15), R12 \
	MOVQ tiledCall_sums(R15), BX \
	LEAQ (2*SUM)(BX), R10 \
	COMPUTE(X_SIZE, Q_SIZE, PRODUCTS(0), one) \
	STORES(0) \
	COMPUTE(X_SIZE, Q_SIZE, PRODUCTS(OTHER), two) \
	COMPUTE(X_SIZE, Q_SIZE, PRODUCTS(0), three) \
group: \
	MOVQ DI, q-16(SP) \
	MOVQ out-8(SP), DI \
	MOVQ tiledCall_outRow(R15), DX \
	CMPQ tiledCall_more(R15), $0 \
	JNE more \
	OWN4 \
	OWN4 \
	OWN4 \
	OWN4 \
	ZERO16 \
	JMP begin \
more: \
	GET4(Z0, Z1, Z2, Z3) \
	GET4(Z4, Z5, Z6, Z7) \
	GET4(Z8, Z9, Z10, Z11) \
	GET4(Z12, Z13, Z14, Z15) \
begin: \
	MOVQ q-16(SP), DI \
	MOVQ $32, DX \
	MOVQ R14, R9 \
	MOVQ tiledCall_blocks(R15), R13 \
	CMPQ BX, tiledCall_sums(R15) \
	JNE odd \
even: \
	UNIT(X_SIZE, Q_SIZE, STORES(OTHER), PRODUCTS(OTHER), SCALE, ROW, MIN, scaleEven, nextEven) \
	JEQ done \
odd: \
	UNIT(X_SIZE, Q_SIZE, STORES(0), PRODUCTS(0), SCALE, ROW, MIN, scaleOdd, nextOdd) \
	JNE even \
done: \
	MOVQ DI, q-16(SP) \
	MOVQ out-8(SP), DI \
	ADDQ $64, out-8(SP) \
	MOVQ tiledCall_outRow(R15), DX \
	PUT16 \
	MOVQ q-16(SP), DI \
	DECQ groups-24(SP) \
	JNZ group \
	SHLQ $4, DX \
	ADDQ DX, first-32(SP) \
	MOVQ $32, DX \
	ADDQ tiledCall_xNext(R15), R14 \
	DECQ CX \
	JNZ rows \
	TILERELEASE \
	VZEROUPPER \
	RET

#define TO_FLOAT VPBROADCASTD toFloat<>(SB), Z29
#define BYTE_UP VBROADCASTI32X4 byteUp<>(SB), Z29
#define NOTHING

// func bytesAMX(t *tiledCall)
TEXT ·bytesAMX(SB), NOSPLIT, $48-8
	KERNEL(·shapes32, TO_FLOAT, BYTES_SIZE, 512, 1, BYTES_PRODUCTS, STORES1, SCALE, BYTES_ROW, BYTES_MIN)

// func wordsAMX(t *tiledCall)
TEXT ·wordsAMX(SB), NOSPLIT, $48-8
	KERNEL(·shapes32, BYTE_UP, WORDS_SIZE, 512, 2, WORDS_PRODUCTS, STORES2, SCALE, WORDS_ROW, WORDS_MIN)

// func pairsAMX(t *tiledCall)
TEXT ·pairsAMX(SB), NOSPLIT, $48-8
	KERNEL(·shapes64, NOTHING, PAIRS_SIZE, 1024, 1, PAIRS_PRODUCTS, STORES1, SCALE, PAIRS_ROW, PAIRS_MIN)

// func bytes16AMX(t *tiledCall)
TEXT ·bytes16AMX(SB), NOSPLIT, $48-8
	KERNEL(·shapes16, TO_FLOAT, BYTES_SIZE, 512, 2, BYTES16_PRODUCTS, STORES2, SCALE16, BYTES16_ROW, BYTES_MIN)

// func pairs16AMX(t *tiledCall)
TEXT ·pairs16AMX(SB), NOSPLIT, $48-8
	KERNEL(·shapes32, NOTHING, PAIRS_SIZE, 1024, 2, PAIRS16_PRODUCTS, STORES2, SCALE16, PAIRS16_ROW, PAIRS_MIN)

// func splitWordsAVX512(dst *wordTile, words *wordBlock, blocks, row int)
//
// blocks of sixteen rows, row blocks apart.
TEXT ·splitWordsAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ words+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ row+24(FP), DX
	IMULQ $wordBlock__size, DX
	LEAQ ·wordTurns(SB), AX
	VMOVDQU16 (AX), Z7
block:
	MOVQ SI, R8
	MOVQ DI, R9
	LEAQ (wordTile__size-128)(DI), R10
	MOVQ $16, BX
rows:
	VMOVDQU16 (R8), Z0
	VPERMW Z0, Z7, Z0
	VPMOVWB Z0, Y1
	VPSRLW $8, Z0, Z0
	VPMOVWB Z0, Y2
	VMOVDQU Y2, (R9)
	VMOVDQU Y1, 512(R9)
	MOVL wordBlock_d(R8), AX
	MOVL AX, (R10)
	MOVL wordBlock_s(R8), AX
	MOVL AX, 64(R10)
	ADDQ DX, R8
	ADDQ $32, R9
	ADDQ $4, R10
	DECQ BX
	JNZ rows
	ADDQ $wordBlock__size, SI
	ADDQ $wordTile__size, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET

// func lowerAVX512(q *uint8, n int, by uint8)
TEXT ·lowerAVX512(SB), NOSPLIT, $0-17
	MOVQ q+0(FP), DI
	MOVQ n+8(FP), CX
	MOVBLZX by+16(FP), AX
	VPBROADCASTB AX, Z0
loop:
	VMOVDQU8 (DI), Z1
	VPSUBB Z0, Z1, Z1
	VMOVDQU8 Z1, (DI)
	ADDQ $64, DI
	SUBQ $64, CX
	JNZ loop
	VZEROUPPER
	RET

// WIDE puts byte 3 of each number of Z, less Z7, in the upper half of it as bfloat16.
#define WIDE(Z) \
	VPSRLD $24, Z, Z \
	VCVTDQ2PS Z, Z \
	VSUBPS Z7, Z, Z

// func widenAVX512(dst *uint16, q *uint8, n int, offset float32)
//
// Of four bytes of a row, less offset, the even ones, then the odd ones.
TEXT ·widenAVX512(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS offset+24(FP), Z7
loop:
	VMOVDQU8 (SI), Z3
	VPSLLD $24, Z3, Z0
	VPSLLD $16, Z3, Z1
	VPSLLD $8, Z3, Z2
	WIDE(Z0)
	WIDE(Z1)
	WIDE(Z2)
	WIDE(Z3)
	VPSRLD $16, Z0, Z0
	VPSRLD $16, Z1, Z1
	VPORD Z2, Z0, Z0
	VPORD Z3, Z1, Z1
	VMOVDQU16 Z0, (DI)
	VMOVDQU16 Z1, 64(DI)
	ADDQ $64, SI
	ADDQ $128, DI
	SUBQ $64, CX
	JNZ loop
	VZEROUPPER
	RET
