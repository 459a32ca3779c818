package adapters_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/model"
	"graft/internal/reftest"
	"graft/internal/weights"
)

// matrixCase is an adapter of one kind on one architecture, and what PEFT computes
// with it.
type matrixCase struct {
	Base, Kind string
	Config     json.RawMessage
	Tensors    map[string][]int
	Logits     []float32 // [2, V], of the last positions
}

func matrix(t *testing.T) (ids []int32, cases []matrixCase) {
	t.Helper()
	f, err := os.Open("testdata/matrix.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var file struct {
		Made  string
		IDs   []int32
		Cases []matrixCase
	}
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(&file)
	}
	if err != nil || !strings.Contains(file.Made, "peft") {
		t.Fatal(err, file.Made)
	}
	return file.IDs, file.Cases
}

// fill is fill of reference/adapters_matrix.py.
func fill(name string, shape []int) weights.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	sum := sha256.Sum256([]byte(name))
	state := binary.LittleEndian.Uint64(sum[:])
	v := make([]float32, n)
	for i := range v {
		state += 0x9E3779B97F4A7C15
		z := state
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		u := float32(z>>48) / 131072
		if strings.Contains(name, "magnitude") {
			v[i] = u + 0.5
		} else {
			v[i] = u - 0.25
		}
	}
	return weights.NewF32(name, v, shape...)
}

// folder writes the adapter as PEFT would.
func (c *matrixCase) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var tensors []weights.Tensor
	for name, shape := range c.Tensors {
		tensors = append(tensors, fill(name, shape))
	}
	err := weights.SaveSafetensors(filepath.Join(dir, "adapter_model.safetensors"), tensors, nil)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "adapter_config.json"), c.Config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestMatrix: every kind of adapter on every architecture has PEFT's logits: merged,
// beside the base, and written as a model of its own.
func TestMatrix(t *testing.T) {
	ids, cases := matrix(t)
	if len(cases) < 50 {
		t.Fatalf("%d cases", len(cases))
	}
	worst := map[string]float64{}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s-%s", c.Base, c.Kind), func(t *testing.T) {
			a, err := adapters.ReadPEFT(c.folder(t), adapters.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			m := tiny(t, c.Base, "")
			b := check(t, m, a)
			if b.Report.Applied != b.Report.Expected || b.Report.Applied != len(a.Modules) {
				t.Errorf("%d modules applied, %d expected, %d in the file", b.Report.Applied, b.Report.Expected, len(a.Modules))
			}
			want := reftest.Tensor{Shape: []int{2, len(c.Logits) / 2}, Data: c.Logits}
			compare := func(how string, have []float32, tol float64) {
				t.Helper()
				d := reftest.Compare(t, how, have[len(have)-len(c.Logits):], want, tol)
				worst[how] = max(worst[how], d)
			}
			if base := logits(m, ids); distance(base[len(base)-len(c.Logits):], c.Logits) < 0.02 {
				t.Error("the base alone is as good: the golden shows nothing")
			}
			compiled, err := b.CompileWhole()
			if err != nil {
				t.Fatal(err)
			}
			compare("beside", served(t, m, [][]int32{ids}, []model.Weighted{{Adapter: compiled, Weight: 1}})[0], 5e-5)
			folder := filepath.Join(t.TempDir(), "merged")
			if err := b.ExportFolder(folder, adapters.ExportOptions{Path: tinyPath(c.Base, "")}); err != nil {
				t.Fatal(err)
			}
			compare("exported", logits(loaded(t, folder), ids), 1e-5)
			merge(t, b, m)
			compare("merged", logits(m, ids), 1e-5)
		})
	}
	t.Logf("%d cases; logits within %v", len(cases), worst)
}
