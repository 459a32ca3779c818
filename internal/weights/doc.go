// Package weights reads and writes the files that models come in: GGUF and
// safetensors. Files are mapped, not read: opening one costs milliseconds, and
// a tensor's bytes are fetched from disk when they are first looked at.
//
//	OpenGGUF, OpenSafetensors -> Store: Names, Tensor(name) -> Data, a view into the mapping
//	SaveGGUF, SaveSafetensors <- []Tensor: temp file, fsync, rename
//
// A file is outside input. Every length in it is held against the bytes that are
// really there before anything is allocated or sliced, and every error names the
// file and the field. A mapped file must not be shortened while it is open: the
// operating system then kills the program at the next look.
package weights
