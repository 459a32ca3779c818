package weights

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mappedMemory is how much of mapped files counts as memory of this program, in bytes.
func mappedMemory(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "RssFile:")
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

func TestReleaseGivesMemoryBack(t *testing.T) {
	const size = 32 << 20
	path := filepath.Join(t.TempDir(), "big.safetensors")
	x := Tensor{Name: "x", DType: "U8", Shape: []int{size}, Data: make([]byte, size)}
	if err := SaveSafetensors(path, []Tensor{x}, nil); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x, _ = s.Tensor("x")
	before := mappedMemory(t)
	sum := 0
	for i := 0; i < size; i += 512 {
		sum += int(x.Data[i])
	}
	touched := mappedMemory(t)
	s.Release(x)
	after := mappedMemory(t)
	if sum != 0 || touched-before < size*9/10 || after-before > size/10 {
		t.Errorf("mapped memory: %d before, %d after reading %d bytes, %d after Release", before, touched, size, after)
	}
}
