// Lines of memory asked for at four places in turn, see readAhead; or none.

#define ASK(P) PREFETCHT0 (P); ADDQ $64, P
#define NONE(P)
#define PLACES(next, A, B, C, D) MOVQ next, AX; MOVQ (AX), A; MOVQ 8(AX), B; MOVQ 16(AX), C; MOVQ 24(AX), D
#define PLACED(next, A, B, C, D) MOVQ next, AX; MOVQ A, (AX); MOVQ B, 8(AX); MOVQ C, 16(AX); MOVQ D, 24(AX)
#define NOWHERE(next, A, B, C, D)
