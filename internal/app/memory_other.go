//go:build !linux

package app

// machineMemory is not known here: models are loaded without a bound.
func machineMemory() int64 { return 0 }
