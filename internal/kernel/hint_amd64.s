//go:build !purego

#include "textflag.h"

// ASK asks for all lines of b.
#define ASK(PREFETCH) \
	MOVQ b_base+0(FP), AX \
	MOVQ b_len+8(FP), CX \
	ADDQ AX, CX \
line: \
	CMPQ AX, CX \
	JAE done \
	PREFETCH (AX) \
	ADDQ $64, AX \
	JMP line \
done: \
	RET

// func pause()
TEXT ·pause(SB), NOSPLIT, $0-0
	PAUSE
	PAUSE
	PAUSE
	PAUSE
	RET

// func prefetch(b []byte)
TEXT ·prefetch(SB), NOSPLIT, $0-24
	ASK(PREFETCHT0)

// func prefetchFar(b []byte)
TEXT ·prefetchFar(SB), NOSPLIT, $0-24
	ASK(PREFETCHT1)
