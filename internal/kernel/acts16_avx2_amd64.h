// Activations of 16 bits for kernels that read packed groups. The bytes of a quad are split
// into two vectors of words, columns 0, 2 and columns 1, 3 of eight rows; VPMADDWD multiplies
// each with two activations and adds these up.
//
// QUAD(at) multiplies the quad in Y4 and Y5 with the activations at at, of which four take
// ACT_QUAD bytes. WIDE is the same for Y12 and Y13, signed bytes.

#define ACT_SIZE wordBlock__size
#define ACT_QUAD 8
#define ACT_D wordBlock_d
#define ACT_S wordBlock_s
#define ACT_N wordBlock_n
#define ACT_N16 wordBlock_n16
#define ACT_FIRST tile_words
#define CONSTANTS VPCMPEQW Y15, Y15, Y15; VPSRLW $8, Y15, Y15

#define DOTS(even0, even1, odd0, odd1, at) \
	VPBROADCASTD (at)(R11), Y6 \
	VPBROADCASTD (at+4)(R11), Y7 \
	VPMADDWD Y6, even0, even0 \
	VPMADDWD Y6, even1, even1 \
	VPMADDWD Y7, odd0, odd0 \
	VPMADDWD Y7, odd1, odd1 \
	VPADDD even0, Y2, Y2 \
	VPADDD even1, Y3, Y3 \
	VPADDD odd0, Y2, Y2 \
	VPADDD odd1, Y3, Y3

#define QUAD(at) \
	VPAND Y15, Y4, Y10 \
	VPAND Y15, Y5, Y11 \
	VPSRLW $8, Y4, Y4 \
	VPSRLW $8, Y5, Y5 \
	DOTS(Y10, Y11, Y4, Y5, at)

#define WIDE(at) \
	VPSLLW $8, Y12, Y10 \
	VPSLLW $8, Y13, Y11 \
	VPSRAW $8, Y12, Y4 \
	VPSRAW $8, Y13, Y5 \
	VPSRAW $8, Y10, Y10 \
	VPSRAW $8, Y11, Y11 \
	DOTS(Y10, Y11, Y4, Y5, at)
