package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// CPUName is what the processor calls itself, where that can be read.
func CPUName() string {
	if name := cpuField(cpuInfo(), "model name"); name != "" {
		return name
	}
	return runtime.GOARCH
}

// CPUCores is CPUName and what AMD's cores are called, as one name is given to many of them.
func CPUCores() string {
	if cores := amdCores(cpuInfo()); cores != "" {
		return CPUName() + " (" + cores + ")"
	}
	return CPUName()
}

// cpuInfo is what Linux says of the processors; "" elsewhere.
func cpuInfo() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	return string(text)
}

// cpuField is the first value of a key; "": there is none.
func cpuField(info, key string) string {
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// amdCores is the architecture of AMD's cores by their family and model; "": another maker's, or
// not known.
func amdCores(info string) string {
	if cpuField(info, "vendor_id") != "AuthenticAMD" {
		return ""
	}
	model, err := strconv.Atoi(cpuField(info, "model"))
	if err != nil {
		return ""
	}
	switch cpuField(info, "cpu family") {
	case "23":
		if model >= 0x30 {
			return "Zen 2"
		}
		return "Zen"
	case "25":
		if model >= 0x10 && model < 0x20 || model >= 0x60 && model < 0x80 || model >= 0xa0 {
			return "Zen 4"
		}
		return "Zen 3"
	case "26":
		return "Zen 5"
	}
	return ""
}
