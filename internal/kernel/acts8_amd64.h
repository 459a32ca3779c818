// Where tile kernels find activations of 8 bits: see actBlock.

#define ACT_SIZE actBlock__size
#define ACT_QUAD 4
#define ACT_D actBlock_d
#define ACT_S actBlock_s
#define ACT_N actBlock_n
#define ACT_N16 actBlock_n16
#define ACT_FIRST tile_x
