// Activations of 8 bits for tile kernels for AVX2. VPMADDUBSW multiplies unsigned weights with
// signed activations (broadcast from memory) and adds pairs, saturating to 16 bits: weights of at
// most 63 stay below that. Those of eight bits are signed, and their sign is moved to the
// activations: 2*128*127 = 32512.
//
// QUAD(TOKENS, at) multiplies the quad in Y8 and Y9 with the activations at at, of which four
// take ACT_QUAD bytes. WIDE is the same of signed bytes. Y10 and Y11 become their magnitudes.

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

#define QUAD(TOKENS, at) TOKENS(DOT, (at))
#define OFNIBBLES
#define HIGHQUAD(TOKENS, m, at) HIGH(m); QUAD(TOKENS, at)
#define WIDE(TOKENS, at) \
	VPABSB Y8, Y10 \
	VPABSB Y9, Y11 \
	TOKENS(DOTSIGNED, (at))
