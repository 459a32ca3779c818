// Where tile kernels find activations of 16 bits: see wordBlock.

#define ACT_SIZE wordBlock__size
#define ACT_QUAD 8
#define ACT_D wordBlock_d
#define ACT_S wordBlock_s
#define ACT_N wordBlock_n
#define ACT_N16 wordBlock_n16
#define ACT_FIRST tile_words
