// Package model holds the architectures. Each is written once, in one file,
// against the layer-sized operations of Ops, and therefore runs unchanged over
// paged keys and values (serving) and on a tape (training).
//
// Letters used for shapes everywhere in this package:
//
//	T  rows (tokens) of this pass, all sequences together
//	S  keys that one query may see
//	D  model width
//	H  query heads, G  key/value heads, K  width of one head
//	F  width of the feed-forward layer
//	V  vocabulary size
//	L  layers
//	R  rank of an adapter
//
// All matrices are row-major; a weight is [out, in], as in PyTorch.
package model
