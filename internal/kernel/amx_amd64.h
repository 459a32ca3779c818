// Instructions of AMX, which the assembler does not know, as bytes (Intel 64 SDM,
// volume 2: VEX.128, map 0F38, W0). Tile registers T are 0 to 7, BASE and INDEX the
// numbers of general registers below 8 other than SP and BP (AX 0, CX 1, DX 2, BX 3,
// SI 6, DI 7).

// LDTILECFG_DI reads the shapes of all tiles from the 64 bytes at DI.
#define LDTILECFG_DI BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0x07
#define TILERELEASE BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0xc0
#define TILEZERO(T) BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $(0xc0 | ((T)<<3))

// TILELOADD and TILESTORED: rows of T are INDEX bytes apart from BASE+DISP on.
#define TILELOADD(T, BASE, INDEX, DISP) \
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; \
	BYTE $(0x84 | ((T)<<3)); BYTE $((BASE) | ((INDEX)<<3)); LONG $(DISP)
#define TILESTORED(T, BASE, INDEX, DISP) \
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7a; BYTE $0x4b; \
	BYTE $(0x84 | ((T)<<3)); BYTE $((BASE) | ((INDEX)<<3)); LONG $(DISP)

// TDPBF16PS(C, A, B): C += A B, of pairs of bfloat16, in float32.
#define TDPBF16PS(C, A, B) \
	BYTE $0xc4; BYTE $0xe2; BYTE $(0x02 | ((15-(B))<<3)); BYTE $0x5c; BYTE $(0xc0 | ((C)<<3) | (A))

// TDPBSSD, TDPBSUD and TDPBUSD(C, A, B): C += A B, of quads of bytes, in 32 bits; S or U says that those
// of A, and then those of B, are signed or unsigned.
#define TDPBSSD(C, A, B) \
	BYTE $0xc4; BYTE $0xe2; BYTE $(0x03 | ((15-(B))<<3)); BYTE $0x5e; BYTE $(0xc0 | ((C)<<3) | (A))
#define TDPBSUD(C, A, B) \
	BYTE $0xc4; BYTE $0xe2; BYTE $(0x02 | ((15-(B))<<3)); BYTE $0x5e; BYTE $(0xc0 | ((C)<<3) | (A))
#define TDPBUSD(C, A, B) \
	BYTE $0xc4; BYTE $0xe2; BYTE $(0x01 | ((15-(B))<<3)); BYTE $0x5e; BYTE $(0xc0 | ((C)<<3) | (A))

// VCVTNE2PS2BF16(HI, LO, D): D = sixteen bfloat16 of LO, then sixteen of HI, rounded
// to nearest, ties to even, denormals to zero. Registers below 8.
#define VCVTNE2PS2BF16(HI, LO, D) \
	BYTE $0x62; BYTE $0xf2; BYTE $(0x07 | ((15-(HI))<<3)); BYTE $0x48; BYTE $0x72; BYTE $(0xc0 | ((D)<<3) | (LO))
