// PREFETCHW, which the assembler does not know, asks for a line of memory to write it: what is not near
// when it is written keeps the processor waiting once it has no more room for what is to be
// written. Processors without it do nothing.
#define PREFETCHW_DI BYTE $0x0f; BYTE $0x0d; BYTE $0x0f // at DI
#define PREFETCHW_R14 BYTE $0x41; BYTE $0x0f; BYTE $0x0d; BYTE $0x0e // at R14
#define PREFETCHW_64R14 BYTE $0x41; BYTE $0x0f; BYTE $0x0d; BYTE $0x4e; BYTE $0x40 // at 64(R14)
