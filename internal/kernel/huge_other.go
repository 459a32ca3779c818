//go:build !linux

package kernel

// adviseHuge does nothing: where large pages are had by asking is not known.
func adviseHuge([]byte) {}
