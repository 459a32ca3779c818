package kernel

// The float formats: one number a block.
func init() {
	register(Format{Type: F32, Name: "F32", BlockLen: 1, BlockBytes: 4, Dequantize: DecodeF32, Quantize: EncodeF32})
	register(Format{Type: F16, Name: "F16", BlockLen: 1, BlockBytes: 2, Dequantize: DecodeF16, Quantize: EncodeF16})
	register(Format{Type: BF16, Name: "BF16", BlockLen: 1, BlockBytes: 2, Dequantize: DecodeBF16, Quantize: EncodeBF16})
}
