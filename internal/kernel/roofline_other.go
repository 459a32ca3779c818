//go:build purego || !amd64

package kernel

func peakWidth() (lanes, bytes int) { return 1, 1 }

func readAll(b []byte) { readPlain(b) }

func fmaLoop(steps int) { fmaPlain(steps) }

func int8Loop(steps int) { int8Plain(steps) }
