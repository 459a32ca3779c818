// Zeros for sums, rows of sixteen numbers written, and sixteen numbers folded into one.

#define ZERO4(A, B, C, D) VPXORD A, A, A; VPXORD B, B, B; VPXORD C, C, C; VPXORD D, D, D
#define ZERO12 ZERO4(Z0, Z1, Z2, Z3); ZERO4(Z4, Z5, Z6, Z7); ZERO4(Z8, Z9, Z10, Z11)
#define ZERO16 ZERO12; ZERO4(Z12, Z13, Z14, Z15)
#define ZERO24 ZERO16; ZERO4(Z16, Z17, Z18, Z19); ZERO4(Z20, Z21, Z22, Z23)

#define PUT4(A, B, C, D) \
	VMOVUPS A, (DI) \
	ADDQ DX, DI \
	VMOVUPS B, (DI) \
	ADDQ DX, DI \
	VMOVUPS C, (DI) \
	ADDQ DX, DI \
	VMOVUPS D, (DI) \
	ADDQ DX, DI

// PUT16 writes Z0 to Z15 to rows at DI, DX bytes apart.
#define PUT16 \
	PUT4(Z0, Z1, Z2, Z3) \
	PUT4(Z4, Z5, Z6, Z7) \
	PUT4(Z8, Z9, Z10, Z11) \
	PUT4(Z12, Z13, Z14, Z15)

// ACROSS folds the sixteen numbers of Z by OP into the first of X; these are one register, and so are the
// temporary YT and XT.
#define ACROSS(OP, Z, Y, X, YT, XT) \
	VEXTRACTF64X4 $1, Z, YT \
	OP YT, Y, Y \
	VEXTRACTF128 $1, Y, XT \
	OP XT, X, X \
	VPERMILPS $0x4e, X, XT \
	OP XT, X, X \
	VPERMILPS $0xb1, X, XT \
	OP XT, X, X
