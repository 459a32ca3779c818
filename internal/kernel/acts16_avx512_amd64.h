// Activations of 16 bits for tile kernels. The bytes of a quad are split into two
// vectors of words, columns 0, 2 and columns 1, 3 of sixteen rows; VPDPWSSD
// multiplies each with two activations (broadcast from memory) and adds the sums to
// sixteen 32-bit numbers.
//
// QUADn(TOKENS, at) multiplies the quad in Zn with the activations at at, of which
// four take ACT_QUAD bytes.

#include "acts16_amd64.h"
#define DOT16(x, sum, out) VPDPWSSD.BCST x, Z16, sum
#define DOT19(x, sum, out) VPDPWSSD.BCST x, Z19, sum
#define DOT21(x, sum, out) VPDPWSSD.BCST x, Z21, sum
#define QUAD16(TOKENS, at) \
	VPSRLW $8, Z16, Z19 \
	VMOVDQU8.Z Z16, K1, Z16 \
	TOKENS(DOT16, (at)) \
	TOKENS(DOT19, (at+4))
#define QUAD21(TOKENS, at) \
	VPSRLW $8, Z21, Z19 \
	VMOVDQU8.Z Z21, K1, Z21 \
	TOKENS(DOT21, (at)) \
	TOKENS(DOT19, (at+4))
#define CONSTANTS BYTES(0x0f, Z30); MOVQ $0x5555555555555555, AX; KMOVQ AX, K1
