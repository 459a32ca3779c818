//go:build !purego

#include "textflag.h"
#include "amx_amd64.h"

// func xcr0() uint64
TEXT ·xcr0(SB), NOSPLIT, $0-8
	XORL CX, CX
	XGETBV
	SHLQ $32, DX
	ORQ DX, AX
	MOVQ AX, ret+0(FP)
	RET

// The handler of SIGILL, called by the kernel with the context in DX: it steps over
// five bytes and sets AX. Offsets are those of the registers in ucontext_t.
TEXT illegal<>(SB), NOSPLIT|NOFRAME, $0
	ADDQ $5, 168(DX) // RIP
	MOVQ $1, 144(DX) // RAX
	RET

TEXT restorer<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ $15, AX // rt_sigreturn
	SYSCALL
	INT $3

// func illegalHandler() (handler, restorer uintptr)
TEXT ·illegalHandler(SB), NOSPLIT, $0-16
	LEAQ illegal<>(SB), AX
	MOVQ AX, handler+0(FP)
	LEAQ restorer<>(SB), AX
	MOVQ AX, restorer+8(FP)
	RET

// func tryTiles() bool
TEXT ·tryTiles(SB), NOSPLIT, $0-1
	XORL AX, AX
	LEAQ ·amxShapes(SB), DI
	LDTILECFG_DI
	TILEZERO(0)
	TILERELEASE
	MOVB AX, ret+0(FP)
	RET

// func tryIllegal() bool
TEXT ·tryIllegal(SB), NOSPLIT, $0-1
	XORL AX, AX
	BYTE $0x0f; BYTE $0x0b // UD2
	BYTE $0x90; BYTE $0x90; BYTE $0x90
	MOVB AX, ret+0(FP)
	RET
