// Activations of 8 bits for kernels that read packed groups. VPMADDUBSW multiplies unsigned
// weights with signed activations and adds pairs, saturating to 16 bits: weights of at most 63
// stay below that. Those of eight bits are signed, and their sign is moved to the activations:
// 2*128*127 = 32512.
//
// QUAD(at) multiplies the quad in Y4 and Y5 with the activations at at, of which four take
// ACT_QUAD bytes. WIDE is the same for Y12 and Y13, signed bytes.

#define ACT_SIZE actBlock__size
#define ACT_QUAD 4
#define ACT_D actBlock_d
#define ACT_S actBlock_s
#define ACT_N actBlock_n
#define ACT_N16 actBlock_n16
#define ACT_FIRST tile_x
#define CONSTANTS VPCMPEQW Y15, Y15, Y15; VPSRLW $15, Y15, Y15

#define DOTS(acts0, acts1) \
	VPMADDUBSW acts0, Y4, Y4 \
	VPMADDUBSW acts1, Y5, Y5 \
	VPMADDWD Y15, Y4, Y4 \
	VPMADDWD Y15, Y5, Y5 \
	VPADDD Y4, Y2, Y2 \
	VPADDD Y5, Y3, Y3

#define QUAD(at) \
	VPBROADCASTD (at)(R11), Y6 \
	DOTS(Y6, Y6)

#define WIDE(at) \
	VPBROADCASTD (at)(R11), Y6 \
	VPABSB Y12, Y4 \
	VPABSB Y13, Y5 \
	VPSIGNB Y13, Y6, Y7 \
	VPSIGNB Y12, Y6, Y6 \
	DOTS(Y6, Y7)
