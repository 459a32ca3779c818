// PAIR_Z28 is VCVTNE2PS2BF16 Z28, Z29, Z28, which the assembler does not know: sixteen numbers each of Z28
// and of Z29, rounded to bfloat16, to nearest, ties to even. Denormal numbers count as zeros, as VDPBF16PS takes them.
#define PAIR_Z28 BYTE $0x62; BYTE $0x02; BYTE $0x17; BYTE $0x40; BYTE $0x72; BYTE $0xe4
