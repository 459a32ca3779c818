// e^x of eight numbers as exp.go says.

#include "registers_avx2_amd64.h"

CONST(one, 0x3f800000) // 1.0
CONST(expMin, 0xc2d00000) // -104.0
CONST(expMax, 0x42b20000) // 89.0
CONST(log2e, 0x3fb8aa3b) // 1.4426950216293335
CONST(ln2Hi, 0xbf318000) // -0.693359375
CONST(ln2Lo, 0x395e8083) // 0.00021219444170128554
CONST(exp5, 0x39506967) // 0.00019875691214110702
CONST(exp4, 0x3ab743ce) // 0.001398199936375022
CONST(exp3, 0x3c088908) // 0.008333452045917511
CONST(exp2, 0x3d2aa9c1) // 0.04166579619050026
CONST(exp1, 0x3e2aaaaa) // 0.1666666567325592
CONST(exp0, 0x3f000000) // 0.5
CONST(bias, 127)

// Y13 is 1, Y14 and Y15 bound the argument of exp.
#define EXP_CONSTANTS \
	VMOVUPS one<>(SB), Y13 \
	VMOVUPS expMin<>(SB), Y14 \
	VMOVUPS expMax<>(SB), Y15

// E = e^X. N, R and T are overwritten, and so is X. Bounds come first in the
// comparisons: of a NaN and a bound the second operand stays, the NaN.
#define EXP(X, E, N, R, T) \
	VMAXPS X, Y14, X \
	VMINPS X, Y15, X \
	VMULPS log2e<>(SB), X, N \
	VROUNDPS $0, N, N \
	VMOVAPS X, R \
	VFMADD231PS ln2Hi<>(SB), N, R \
	VFMADD231PS ln2Lo<>(SB), N, R \
	VMOVUPS exp5<>(SB), E \
	VFMADD213PS exp4<>(SB), R, E \
	VFMADD213PS exp3<>(SB), R, E \
	VFMADD213PS exp2<>(SB), R, E \
	VFMADD213PS exp1<>(SB), R, E \
	VFMADD213PS exp0<>(SB), R, E \
	VMULPS R, R, T \
	VFMADD213PS R, T, E \
	VADDPS Y13, E, E \
	VCVTPS2DQ N, N \
	VPSRAD $1, N, T \
	VPSUBD T, N, N \
	VPADDD bias<>(SB), T, T \
	VPADDD bias<>(SB), N, N \
	VPSLLD $23, T, T \
	VPSLLD $23, N, N \
	VMULPS T, E, E \
	VMULPS N, E, E
