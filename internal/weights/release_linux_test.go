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

// TestReleaseTogether: tensors that lie near each other are released with what is
// between them, those far apart without.
func TestReleaseTogether(t *testing.T) {
	const size = 4 << 20
	path := filepath.Join(t.TempDir(), "five.safetensors")
	var tensors []Tensor
	for _, n := range []int{size, near / 2, size, size, size} {
		tensors = append(tensors, Tensor{Name: string(rune('a' + len(tensors))), DType: "U8", Shape: []int{n}, Data: make([]byte, n)})
	}
	if err := SaveSafetensors(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sum := 0
	tensor := func(name string) Tensor {
		x, ok := s.Tensor(name)
		if !ok {
			t.Fatal(name)
		}
		for i := 0; i < len(x.Data); i += 512 {
			sum += int(x.Data[i])
		}
		return x
	}
	before := mappedMemory(t)
	a, _, c, _, e := tensor("a"), tensor("b"), tensor("c"), tensor("d"), tensor("e")
	touched := mappedMemory(t)
	s.Release(e, c, Tensor{Name: "of no file"}, a)
	after := mappedMemory(t)
	if gone, want := touched-after, 3*size+near/2; sum != 0 || touched-before < 3*size+near || gone < want-near/4 || gone > want+near/4 {
		t.Errorf("%d bytes were read and %d released, want %d", touched-before, gone, want)
	}
	for _, x := range []Tensor{a, c, e} { // and can be looked at again
		sum += int(x.Data[len(x.Data)-1])
	}
}
