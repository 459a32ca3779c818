//go:build purego || !amd64

package kernel

import "runtime"

func peakWidth() (lanes, bytes int) { return 1, 1 }

func readAll(b []byte) { readPlain(b) }

func fmaLoop(steps int) { fmaPlain(steps) }

func int8Loop(steps int) { runtime.KeepAlive(int8Plain(steps)) }
