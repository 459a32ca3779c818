// Activations of 16 bits for tile kernels for AVX2. The bytes of a quad are split into two
// vectors of words, columns 0, 2 and columns 1, 3 of eight rows; VPMADDWD multiplies each with two
// activations (broadcast from memory) and adds these up.
//
// QUAD(TOKENS, at) multiplies the quad in Y8 and Y9 with the activations at at, of which four
// take ACT_QUAD bytes. WIDE is the same of signed bytes. Y10 and Y11 become columns 0, 2.

#include "acts16_amd64.h"
#define CONSTANTS VPCMPEQW Y15, Y15, Y15; VPSRLW $8, Y15, Y15

#define EVEN(x, a, b, out0, out1) \
	VPBROADCASTD x, Y12 \
	VPMADDWD Y12, Y10, Y13 \
	VPMADDWD Y12, Y11, Y12 \
	VPADDD Y13, a, a \
	VPADDD Y12, b, b
#define ODD(x, a, b, out0, out1) \
	VPBROADCASTD x, Y12 \
	VPMADDWD Y12, Y8, Y13 \
	VPMADDWD Y12, Y9, Y12 \
	VPADDD Y13, a, a \
	VPADDD Y12, b, b

// WORDS multiplies columns 0, 2 in Y10 and Y11 and columns 1, 3 in Y8 and Y9.
#define WORDS(TOKENS, at) TOKENS(EVEN, (at)); TOKENS(ODD, (at+4))

#define QUAD(TOKENS, at) \
	VPAND Y15, Y8, Y10 \
	VPAND Y15, Y9, Y11 \
	VPSRLW $8, Y8, Y8 \
	VPSRLW $8, Y9, Y9 \
	WORDS(TOKENS, at)

// HIGHNIBBLES is QUAD of the high halves of 64 packed bytes, once OFNIBBLES has made Y15 words of 0x0f.
#define OFNIBBLES VPAND Y14, Y15, Y15
#define BEGUN(TOKENS, OP, at) TOKENS(OP, at)
#define NIBBLES(OP, TOKENS, at) QUAD(TOKENS, at)
#define WIDENED(TOKENS, OP, at)
#define HIGHNIBBLES(OP, TOKENS, m, at) \
	LOAD(m) \
	VPSRLW $4, Y8, Y10 \
	VPSRLW $4, Y9, Y11 \
	VPAND Y15, Y10, Y10 \
	VPAND Y15, Y11, Y11 \
	VPSRLW $12, Y8, Y8 \
	VPSRLW $12, Y9, Y9 \
	WORDS(TOKENS, at)

#define WIDE(TOKENS, at) \
	VPSLLW $8, Y8, Y10 \
	VPSLLW $8, Y9, Y11 \
	VPSRAW $8, Y8, Y8 \
	VPSRAW $8, Y9, Y9 \
	VPSRAW $8, Y10, Y10 \
	VPSRAW $8, Y11, Y11 \
	WORDS(TOKENS, at)
