package training

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
)

// resident is how much of the process's own memory, without mapped files, is in memory.
func resident(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("RssAnon:"))
	kb, err := strconv.ParseInt(strings.Fields(string(rest))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
