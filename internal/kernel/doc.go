// Package kernel is flat arithmetic on slices: products with quantised weights,
// attention, norms and activations. It knows nothing of models. Every function
// has a portable version in Go and may have faster ones in assembly behind the
// same name, chosen when the program starts.
//
// Kernels are batch-invariant: the order in which one output is summed depends
// on the length of its row only, never on how many rows are computed together,
// nor on how they were shared among workers.
package kernel
