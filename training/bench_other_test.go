//go:build !unix

package training

func cpuSeconds() float64 { return 0 }
