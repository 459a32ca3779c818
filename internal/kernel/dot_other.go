//go:build !amd64 || purego

package kernel

// float computes the outputs of group g of a float matrix.
func (a *Acts) float(s *scratch, y *Product, g int) { a.floatGeneric(s, y, g) }

// dotsFast says that there are dot kernels for a type.
func dotsFast(Type) bool { return false }
