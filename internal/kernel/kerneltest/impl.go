// Package kerneltest helps the tests of packages that compute with kernel.
package kerneltest

import (
	"testing"

	"graft/internal/kernel"
)

// EachImpl reruns f as a subtest under every path of this machine, and puts
// the path of before back. Tests that use it must not run in parallel.
func EachImpl(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before := kernel.Impl()
	t.Cleanup(func() { kernel.Use(before) })
	for _, name := range kernel.Impls() {
		if err := kernel.Use(name); err != nil {
			t.Fatal(err)
		}
		t.Run(name, f)
	}
}
