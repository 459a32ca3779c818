// Constants of 32 bits, eight times, and eight numbers folded into one.

#define CONST(name, v) \
	DATA name<>+0(SB)/4, $v \
	DATA name<>+4(SB)/4, $v \
	DATA name<>+8(SB)/4, $v \
	DATA name<>+12(SB)/4, $v \
	DATA name<>+16(SB)/4, $v \
	DATA name<>+20(SB)/4, $v \
	DATA name<>+24(SB)/4, $v \
	DATA name<>+28(SB)/4, $v \
	GLOBL name<>(SB), RODATA|NOPTR, $32

// ACROSS folds the eight numbers of Y by OP into the first of X; these are one register. XT is temporary.
#define ACROSS(OP, Y, X, XT) \
	VEXTRACTF128 $1, Y, XT \
	OP XT, X, X \
	VPSHUFD $0x4e, X, XT \
	OP XT, X, X \
	VPSHUFD $0xb1, X, XT \
	OP XT, X, X
