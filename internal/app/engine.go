package app

import (
	"cmp"
	"runtime"

	"graft/internal/config"
	"graft/internal/kernel"
	"graft/serving/native"
)

// Engine is how the embedded engine of a configuration computes, without models, and
// with its instruction set chosen: what runs it without a server begins here.
func Engine(c config.Config) (native.Options, error) {
	if err := cmp.Or(kernel.ISAError(), useISA(c.Engine.ISA)); err != nil {
		return native.Options{}, err
	}
	o, err := nativeOptions(c)
	if o.Threads < 1 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	return o, err
}
