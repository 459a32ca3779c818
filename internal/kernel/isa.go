package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// path is one way to run the kernels. Greater paths contain the lesser ones: a
// kernel that has no version for the path in use falls back to the next lower.
type path uint8

const (
	pathGeneric path = iota // portable Go
	pathAVX2                // AVX2, FMA, F16C
	pathAVX512              // AVX-512 F, BW, DQ, VL and VNNI on top
	pathAMX                 // tiles of AMX on top, for products of training and of prompts
)

var pathNames = [...]string{pathGeneric: "generic", pathAVX2: "avx2", pathAVX512: "avx512", pathAMX: "amx"}

// isa is the path in use, as far as vectors go: with pathAMX it is pathAVX512, and
// tiles are on. Kernels read both once per call.
var (
	isa   path
	tiles bool
)

var isaErr error

func init() {
	take(bestPath())
	if name := os.Getenv("GRAFT_ISA"); name != "" {
		isaErr = Use(name)
	}
}

// Impls lists the paths this machine can run, the slowest first.
func Impls() []string {
	return slices.Clone(pathNames[:bestPath()+1])
}

// Impl names the path in use.
func Impl() string {
	if tiles {
		return pathNames[pathAMX]
	}
	return pathNames[isa]
}

func take(p path) { isa, tiles = min(p, pathAVX512), p == pathAMX }

// Use forces a path by name: "generic", "avx2", "avx512" or "amx". It must not be
// called while kernels run.
func Use(name string) error {
	i := slices.Index(pathNames[:], name)
	switch {
	case i < 0:
		return fmt.Errorf("instruction set %q is not known: use one of %s", name, strings.Join(Impls(), ", "))
	case path(i) > bestPath():
		return fmt.Errorf("instruction set %q does not run on this machine: use one of %s", name, strings.Join(Impls(), ", "))
	}
	take(path(i))
	return nil
}

// ISAError says why the path asked for in the environment variable GRAFT_ISA
// was not taken; nil when it was, or when none was asked for.
func ISAError() error { return isaErr }
