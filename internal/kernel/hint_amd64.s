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

// func vendor() (b, d, c uint32)
TEXT ·vendor(SB), NOSPLIT, $0-12
	XORL AX, AX
	XORL CX, CX
	CPUID
	MOVL BX, b+0(FP)
	MOVL DX, d+4(FP)
	MOVL CX, c+8(FP)
	RET
