//go:build !amd64 || purego

package kernel

// float computes the outputs of group g of a float matrix.
func (j *product) float(s *scratch, g int) { j.floatGeneric(s, g) }

// dotsFast says that there are dot kernels for a type.
func dotsFast(Type) bool { return false }
