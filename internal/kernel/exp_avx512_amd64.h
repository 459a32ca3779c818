// e^x of sixteen numbers as exp.go says; VSCALEFPS multiplies by 2^n with the same
// single rounding as the two steps there.

DATA expConst<>+0(SB)/4, $0xff800000 // -Inf
DATA expConst<>+4(SB)/4, $0xc2d00000 // -104
DATA expConst<>+8(SB)/4, $0x42b20000 // 89
DATA expConst<>+12(SB)/4, $0x3fb8aa3b // log2 e
DATA expConst<>+16(SB)/4, $0xbf318000 // -0.693359375
DATA expConst<>+20(SB)/4, $0x395e8083 // 2.12194440e-4
DATA expConst<>+24(SB)/4, $0x39506967 // 1.9875691500e-4
DATA expConst<>+28(SB)/4, $0x3ab743ce // 1.3981999507e-3
DATA expConst<>+32(SB)/4, $0x3c088908 // 8.3334519073e-3
DATA expConst<>+36(SB)/4, $0x3d2aa9c1 // 4.1665795894e-2
DATA expConst<>+40(SB)/4, $0x3e2aaaaa // 1.6666665459e-1
DATA expConst<>+44(SB)/4, $0x3f000000 // 5.0000001201e-1
DATA expConst<>+48(SB)/4, $0x3f800000 // 1
DATA expConst<>+52(SB)/4, $0x80000000 // the sign
GLOBL expConst<>(SB), RODATA|NOPTR, $56

// Z27 is 1.
#define EXPENTER \
	VBROADCASTSS expConst<>+4(SB), Z16 \
	VBROADCASTSS expConst<>+8(SB), Z17 \
	VBROADCASTSS expConst<>+12(SB), Z18 \
	VBROADCASTSS expConst<>+16(SB), Z19 \
	VBROADCASTSS expConst<>+20(SB), Z20 \
	VBROADCASTSS expConst<>+24(SB), Z21 \
	VBROADCASTSS expConst<>+28(SB), Z22 \
	VBROADCASTSS expConst<>+32(SB), Z23 \
	VBROADCASTSS expConst<>+36(SB), Z24 \
	VBROADCASTSS expConst<>+40(SB), Z25 \
	VBROADCASTSS expConst<>+44(SB), Z26 \
	VBROADCASTSS expConst<>+48(SB), Z27

// E = e^X. X, N and T are overwritten. Of a NaN and a bound the second operand stays, the
// NaN. EXPZ_DOWN is for X of no more than 0.
#define EXPZ(X, E, N, T) \
	VMINPS X, Z17, X \
	EXPZ_DOWN(X, E, N, T)
#define EXPZ_DOWN(X, E, N, T) \
	VMAXPS X, Z16, X \
	VMULPS Z18, X, N \
	VRNDSCALEPS $0, N, N \
	VFMADD231PS Z19, N, X \
	VFMADD231PS Z20, N, X \
	VMOVAPS Z21, E \
	VFMADD213PS Z22, X, E \
	VFMADD213PS Z23, X, E \
	VFMADD213PS Z24, X, E \
	VFMADD213PS Z25, X, E \
	VFMADD213PS Z26, X, E \
	VMULPS X, X, T \
	VFMADD213PS X, T, E \
	VADDPS Z27, E, E \
	VSCALEFPS N, E, E
