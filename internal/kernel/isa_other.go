//go:build !amd64 || purego

package kernel

// bestPath is the portable one: there is no assembly for this machine.
func bestPath() path { return pathGeneric }
