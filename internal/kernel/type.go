package kernel

// Type is a storage format of weights, keys or values, numbered as in GGUF files.
type Type uint32

// Storage formats.
const (
	F32  Type = 0
	F16  Type = 1
	Q4_0 Type = 2
	Q4_1 Type = 3
	Q5_0 Type = 6
	Q5_1 Type = 7
	Q8_0 Type = 8
	Q4_K Type = 12
	Q5_K Type = 13
	Q6_K Type = 14
	BF16 Type = 30
)

// Matrix is a weight [Rows, Cols] in some storage format, laid out for products.
type Matrix struct {
	Type       Type
	Rows, Cols int
}
