//go:build !purego

#include "textflag.h"

// Conversions for AVX2 and F16C, and of whole blocks of Q8_0 for AVX-512. n is a
// positive multiple of 8.

// func decodeF16AVX2(dst *float32, src *byte, n int)
TEXT ·decodeF16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ AX, AX
loop:
	VCVTPH2PS (SI)(AX*2), Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func encodeF16AVX2(dst *byte, src *float32, n int)
TEXT ·encodeF16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ AX, AX
loop:
	VMOVUPS (SI)(AX*4), Y0
	VCVTPS2PH $0, Y0, (DI)(AX*2)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func decodeBF16AVX2(dst *float32, src *byte, n int)
TEXT ·decodeBF16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ AX, AX
loop:
	VPMOVZXWD (SI)(AX*2), Y0
	VPSLLD $16, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func decodeKeysQ8AVX2(dst *float32, q, scales *byte, blockLen, groups int)
//
// dst is [groups*32, blockLen]. Eight keys (DX) of one group after the other: Y1
// their scales, R9 and R10 walk down the 32 rows.
TEXT ·decodeKeysQ8AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ scales+16(FP), BX
	MOVQ blockLen+24(FP), R8
	MOVQ groups+32(FP), CX
group:
	XORQ DX, DX
keys:
	VCVTPH2PS (BX)(DX*2), Y1
	LEAQ (SI)(DX*1), R9
	LEAQ (DI)(DX*4), R10
	MOVQ $32, AX
	PCALIGN $32
row:
	VPMOVSXBD (R9), Y0
	VCVTDQ2PS Y0, Y0
	VMULPS Y1, Y0, Y0
	VMOVUPS Y0, (R10)
	ADDQ R8, R9
	LEAQ (R10)(R8*4), R10
	DECQ AX
	JNE  row
	ADDQ $8, DX
	CMPQ DX, R8
	JLT  keys
	LEAQ (BX)(R8*2), BX
	MOVQ R8, AX
	SHLQ $5, AX
	ADDQ AX, SI
	LEAQ (DI)(AX*4), DI
	DECQ CX
	JNE  group
	VZEROUPPER
	RET

// func decodeValuesQ8AVX2(dst *float32, q, scales *byte, groups int)
TEXT ·decodeValuesQ8AVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ scales+16(FP), BX
	MOVQ groups+24(FP), CX
loop:
	VPBROADCASTW (BX), X1
	VCVTPH2PS X1, Y1
	VPMOVSXBD (SI), Y0
	VPMOVSXBD 8(SI), Y2
	VPMOVSXBD 16(SI), Y3
	VPMOVSXBD 24(SI), Y4
	VCVTDQ2PS Y0, Y0
	VCVTDQ2PS Y2, Y2
	VCVTDQ2PS Y3, Y3
	VCVTDQ2PS Y4, Y4
	VMULPS Y1, Y0, Y0
	VMULPS Y1, Y2, Y2
	VMULPS Y1, Y3, Y3
	VMULPS Y1, Y4, Y4
	VMOVUPS Y0, (DI)
	VMOVUPS Y2, 32(DI)
	VMOVUPS Y3, 64(DI)
	VMOVUPS Y4, 96(DI)
	ADDQ $2, BX
	ADDQ $32, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET

// func decodeKeysQ8AVX512(dst *float32, q, scales *byte, blockLen, groups int)
//
// dst is [groups*32, blockLen]. Sixteen keys (DX) of one group after the other: Y1
// their scales, R9 and R10 walk down the 32 rows.
TEXT ·decodeKeysQ8AVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ scales+16(FP), BX
	MOVQ blockLen+24(FP), R8
	MOVQ groups+32(FP), CX
group:
	XORQ DX, DX
keys:
	VCVTPH2PS (BX)(DX*2), Z1
	LEAQ (SI)(DX*1), R9
	LEAQ (DI)(DX*4), R10
	MOVQ $32, AX
row:
	VPMOVSXBD (R9), Z0
	VCVTDQ2PS Z0, Z0
	VMULPS Z1, Z0, Z0
	VMOVUPS Z0, (R10)
	ADDQ R8, R9
	LEAQ (R10)(R8*4), R10
	DECQ AX
	JNE  row
	ADDQ $16, DX
	CMPQ DX, R8
	JLT  keys
	LEAQ (BX)(R8*2), BX
	MOVQ R8, AX
	SHLQ $5, AX
	ADDQ AX, SI
	LEAQ (DI)(AX*4), DI
	DECQ CX
	JNE  group
	VZEROUPPER
	RET

// func decodeValuesQ8AVX512(dst *float32, q, scales *byte, groups int)
TEXT ·decodeValuesQ8AVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ scales+16(FP), BX
	MOVQ groups+24(FP), CX
loop:
	VPBROADCASTW (BX), Y1
	VCVTPH2PS Y1, Z1
	VPMOVSXBD (SI), Z0
	VPMOVSXBD 16(SI), Z2
	VCVTDQ2PS Z0, Z0
	VCVTDQ2PS Z2, Z2
	VMULPS Z1, Z0, Z0
	VMULPS Z1, Z2, Z2
	VMOVUPS Z0, (DI)
	VMOVUPS Z2, 64(DI)
	ADDQ $2, BX
	ADDQ $32, SI
	ADDQ $128, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
