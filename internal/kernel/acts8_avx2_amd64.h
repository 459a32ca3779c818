// Activations of 8 bits for tile kernels for AVX2. VPMADDUBSW multiplies unsigned weights with
// signed activations (broadcast from memory) and adds pairs, saturating to 16 bits: weights of at
// most 63 stay below that. Those of eight bits are signed, and their sign is moved to the
// activations: 2*128*127 = 32512.
//
// QUAD(TOKENS, at) multiplies the quad in Y8 and Y9 with the activations at at, of which four
// take ACT_QUAD bytes. WIDE is the same of signed bytes. Y10 and Y11 become their magnitudes.
//
// With weights of at most 15 what VPMADDUBSW makes of all eight quads of a block is added up in 16
// bits, 16*15*127 = 30480, and widened once: NIBBLES(FIRST, TOKENS, at) is QUAD of the first of them,
// NIBBLES(THEN, TOKENS, at) of the others, before WIDENED. BEGUN is for those who begin with what WIDENED
// adds.

#include "acts8_amd64.h"
#define CONSTANTS VPCMPEQW Y15, Y15, Y15; VPSRLW $15, Y15, Y15

#define ADDWIDE(a, b) \
	VPMADDWD Y15, Y13, Y13 \
	VPMADDWD Y15, Y12, Y12 \
	VPADDD Y13, a, a \
	VPADDD Y12, b, b

#define DOT(x, a, b, out0, out1) \
	VPBROADCASTD x, Y12 \
	VPMADDUBSW Y12, Y8, Y13 \
	VPMADDUBSW Y12, Y9, Y12 \
	ADDWIDE(a, b)
#define DOTSIGNED(x, a, b, out0, out1) \
	VPBROADCASTD x, Y12 \
	VPSIGNB Y8, Y12, Y13 \
	VPSIGNB Y9, Y12, Y12 \
	VPMADDUBSW Y13, Y10, Y13 \
	VPMADDUBSW Y12, Y11, Y12 \
	ADDWIDE(a, b)

#define FIRST(x, a, b, out0, out1) \
	VPBROADCASTD x, Y12 \
	VPMADDUBSW Y12, Y8, a \
	VPMADDUBSW Y12, Y9, b
#define THEN(x, a, b, out0, out1) \
	VPBROADCASTD x, Y12 \
	VPMADDUBSW Y12, Y8, Y13 \
	VPMADDUBSW Y12, Y9, Y12 \
	VPADDW Y13, a, a \
	VPADDW Y12, b, b
#define WIDEN(x, a, b, out0, out1) VPMADDWD Y15, a, a; VPMADDWD Y15, b, b
#define WIDENOFFSET3(x, a, b, out0, out1) \
	VPBROADCASTD x, Y12 \
	VPSLLD $3, Y12, Y12 \
	VPMADDWD Y15, a, a \
	VPMADDWD Y15, b, b \
	VPADDD Y12, a, a \
	VPADDD Y12, b, b

#define QUAD(TOKENS, at) TOKENS(DOT, (at))
#define OFNIBBLES
#define BEGUN(TOKENS, OP, at)
#define NIBBLES(OP, TOKENS, at) TOKENS(OP, (at))
#define HIGHNIBBLES(OP, TOKENS, m, at) HIGH(m); NIBBLES(OP, TOKENS, at)
#define WIDENED(TOKENS, OP, at) TOKENS(OP, at)
#define WIDE(TOKENS, at) \
	VPABSB Y8, Y10 \
	VPABSB Y9, Y11 \
	TOKENS(DOTSIGNED, (at))
