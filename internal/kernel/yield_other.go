//go:build !linux

package kernel

// yieldCore does nothing where a thread cannot give its core away for a moment.
func yieldCore() {}
