// Package reftest compares what tests computed with golden tensors that other
// programs wrote (see reference/). A golden is a small .safetensors file of
// float32 tensors whose metadata says under "made" which script wrote it and
// with which versions.
package reftest

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"graft/internal/kernel"
	"graft/internal/weights"
)

// Tensor is a golden tensor.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// Golden is one file of them.
type Golden struct {
	Path    string
	Made    string
	tensors map[string]Tensor
}

// Load reads a golden; it fails the test when it cannot, or when the file does
// not say how it was made.
func Load(t testing.TB, path string) *Golden {
	t.Helper()
	f, err := weights.OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g := &Golden{Path: path, Made: f.Metadata["made"], tensors: map[string]Tensor{}}
	if g.Made == "" {
		t.Fatalf("%s: its metadata does not say how it was made", path)
	}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		if x.Type != kernel.F32 {
			t.Fatalf("%s: tensor %s is %s, want F32", path, name, x.DType)
		}
		data := make([]float32, x.Len())
		for i := range data {
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(x.Data[4*i:]))
		}
		g.tensors[name] = Tensor{name, x.Shape, data}
	}
	return g
}

// Has says whether there is a tensor of this name.
func (g *Golden) Has(name string) bool {
	_, ok := g.tensors[name]
	return ok
}

// Tensor finds a tensor, which must be there.
func (g *Golden) Tensor(t testing.TB, name string) Tensor {
	t.Helper()
	x, ok := g.tensors[name]
	if !ok {
		t.Fatalf("%s: there is no tensor %s", g.Path, name)
	}
	return x
}

// IDs is a tensor of whole numbers, as token ids.
func (g *Golden) IDs(t testing.TB, name string) []int32 {
	t.Helper()
	x := g.Tensor(t, name)
	ids := make([]int32, len(x.Data))
	for i, v := range x.Data {
		ids[i] = int32(v)
	}
	return ids
}

// Compare fails the test unless every number of have is within tol of the golden
// tensor, and names the worst one. It returns the largest difference.
func (g *Golden) Compare(t testing.TB, name string, have []float32, tol float64) float64 {
	t.Helper()
	return Compare(t, g.Path+" "+name, have, g.Tensor(t, name), tol)
}

// Compare is the same for any tensor.
func Compare(t testing.TB, what string, have []float32, want Tensor, tol float64) float64 {
	t.Helper()
	if len(have) != len(want.Data) {
		t.Errorf("%s: %d numbers, want %v", what, len(have), want.Shape)
		return math.Inf(1)
	}
	worst, at := -1.0, 0
	for i := range have {
		d := math.Abs(float64(have[i]) - float64(want.Data[i]))
		if have[i] == want.Data[i] {
			d = 0 // equal infinities
		}
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		if d > worst {
			worst, at = d, i
		}
	}
	if worst > tol {
		t.Errorf("%s%s: have %g, want %g: apart by %.3g, more than %g", what, index(at, want.Shape), have[at], want.Data[at], worst, tol)
	}
	return max(worst, 0)
}

// index writes position i of a flat array as indices of its shape: [3 17].
func index(i int, shape []int) string {
	at := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		at[d] = i % shape[d]
		i /= shape[d]
	}
	return fmt.Sprint(at)
}
