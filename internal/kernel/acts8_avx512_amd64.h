// Activations of 8 bits for tile kernels. VPDPBUSD multiplies four columns of sixteen
// rows (unsigned bytes, one row a lane) with four activations (signed bytes,
// broadcast from memory) and adds the sums to sixteen 32-bit numbers.
//
// QUADn(TOKENS, at) multiplies the quad in Zn with the activations at at, of which
// four take ACT_QUAD bytes.

#include "acts8_amd64.h"
#define DOT16(x, sum, out) VPDPBUSD.BCST x, Z16, sum
#define DOT21(x, sum, out) VPDPBUSD.BCST x, Z21, sum
#define QUAD16(TOKENS, at) TOKENS(DOT16, (at))
#define QUAD21(TOKENS, at) TOKENS(DOT21, (at))
#define CONSTANTS BYTES(0x0f, Z30)
