package kernel

import (
	"fmt"
	"strings"
)

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

// String is the name GGUF tools use ("Q4_1"), or "type 99" for one that is not known.
func (t Type) String() string {
	if f, ok := formats[t]; ok {
		return f.Name
	}
	switch t {
	case Q16:
		return "Q16"
	case AutoKV:
		return "auto"
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// ParseType finds a type by its name, in either case.
func ParseType(name string) (Type, error) {
	for _, f := range Formats() {
		if strings.EqualFold(f.Name, name) {
			return f.Type, nil
		}
	}
	return 0, fmt.Errorf("storage format %q is not known: use one of %v", name, Formats())
}

// RowBytes is the size of a stored row of cols numbers; 0 when the type is not
// known or cols is not a positive multiple of its block length.
func (t Type) RowBytes(cols int) int {
	f, ok := formats[t]
	if !ok || cols <= 0 || cols%f.BlockLen != 0 {
		return 0
	}
	return cols / f.BlockLen * f.BlockBytes
}
