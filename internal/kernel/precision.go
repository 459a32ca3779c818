package kernel

import (
	"fmt"
	"slices"
	"strings"
)

// Precision is how products with weights, and those of attention, are computed in
// training. Sums are always of float32, and depend on neither workers nor neighbouring rows.
type Precision uint8

const (
	// Full is float32.
	Full Precision = iota
	// Split takes both factors as sums of two bfloat16 numbers, off by about 2^-16 of
	// the terms; see gemm_split.go. Processors without AMX compute in float32.
	Split
	// Half rounds both factors to bfloat16, off by about 2^-9 of the terms, or with AVX2 to
	// integers of 12 bits, see gemm_wholes.go. Processors with AVX-512 but neither AMX nor
	// BF16, and portable Go, compute in float32.
	Half
)

var precisionNames = [...]string{Full: "float32", Split: "bf16x2", Half: "bf16"}

// Precisions are the names of all.
func Precisions() []string { return slices.Clone(precisionNames[:]) }

// PrecisionOf is the one of a name.
func PrecisionOf(name string) (Precision, error) {
	i := slices.Index(precisionNames[:], name)
	if i < 0 {
		return 0, fmt.Errorf("precision %q is not known: use one of %s", name, strings.Join(precisionNames[:], ", "))
	}
	return Precision(i), nil
}

func (p Precision) String() string { return precisionNames[p] }

// Fast tells whether this machine, on the path in use, computes with p as such, not
// in float32.
func (p Precision) Fast() bool {
	switch p {
	case Split:
		return tiles
	case Half:
		return tiles || hasPairs() || hasWholes()
	}
	return true
}
