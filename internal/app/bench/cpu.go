package bench

import (
	"os"
	"runtime"
	"strings"
)

// CPUName is what the processor calls itself, where that can be read.
func CPUName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(rest, "\t: "))
		}
	}
	return runtime.GOARCH
}
