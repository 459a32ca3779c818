// What tiles of twelve rows and one or two vectors of columns begin with and go on with.
//
//	R8–R11    rows 0, 3, 6, 9 of a; AX  bytes between rows; BX  between columns
//	SI DX     b, bytes between its rows; CX  k left; DI R12  c
//	Z24 Z25   b;  Z26–Z31  numbers of a;  Z0–Z23  sums, two registers a row
#define GEMMENTER \
	MOVQ t+0(FP), R15 \
	MOVQ gemmTile_a(R15), R8 \
	MOVQ gemmTile_aRow(R15), AX \
	MOVQ gemmTile_aCol(R15), BX \
	SHLQ $2, AX \
	SHLQ $2, BX \
	LEAQ (AX)(AX*2), R12 \
	LEAQ (R8)(R12*1), R9 \
	LEAQ (R9)(R12*1), R10 \
	LEAQ (R10)(R12*1), R11 \
	MOVQ gemmTile_b(R15), SI \
	MOVQ gemmTile_bRow(R15), DX \
	SHLQ $2, DX \
	MOVQ gemmTile_k(R15), CX \
	MOVQ gemmTile_c(R15), DI \
	MOVQ gemmTile_cRow(R15), R12 \
	SHLQ $2, R12

#define GEMMNEXT \
	ADDQ BX, R8 \
	ADDQ BX, R9 \
	ADDQ BX, R10 \
	ADDQ BX, R11 \
	ADDQ DX, SI \
	DECQ CX \
	JNZ loop

// Lines of c are asked for, of one vector a row or of two.
#define ASK1 PREFETCHW_R14; ADDQ R12, R14
#define ASK2 PREFETCHW_R14; PREFETCHW_64R14; ADDQ R12, R14
#define ASK4(ASK) ASK; ASK; ASK; ASK
#define GEMMASK(ASK) MOVQ DI, R14; ASK4(ASK); ASK4(ASK); ASK4(ASK)
