package kernel

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden reads the tensors of a file written by a script in reference/.
func golden(t testing.TB, path string) map[string][]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	var head map[string]struct {
		Offsets []int `json:"data_offsets"`
	}
	if err := json.Unmarshal(b[8:8+n], &head); err != nil {
		t.Fatal(err)
	}
	tensors := map[string][]byte{}
	for name, h := range head {
		if name != "__metadata__" {
			tensors[name] = b[8+n:][h.Offsets[0]:h.Offsets[1]]
		}
	}
	return tensors
}

func floats(b []byte) []float32 {
	x := make([]float32, len(b)/4)
	DecodeF32(x, b)
	return x
}

func TestFormatsGolden(t *testing.T) {
	g := golden(t, "testdata/quants.safetensors")
	x := floats(g["x"])
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			stored := g[f.Name+".bytes"]
			want := floats(g[f.Name+".y"])
			if len(stored) == 0 {
				t.Fatal("no golden: add the format to reference/quants.py")
			}
			y := make([]float32, len(want))
			f.Dequantize(y, stored)
			for i := range y {
				if math.Float32bits(y[i]) != math.Float32bits(want[i]) {
					t.Fatalf("number %d decodes to %v, want %v", i, y[i], want[i])
				}
			}
			if f.Quantize == nil {
				return
			}
			have := make([]byte, len(stored))
			f.Quantize(have, x)
			if d := cmp.Diff(stored, have); d != "" {
				t.Errorf("encoded (-want +have):\n%s", d)
			}
		})
	}
}

func TestTypeNames(t *testing.T) {
	for _, f := range Formats() {
		if have, err := ParseType(f.Type.String()); err != nil || have != f.Type {
			t.Errorf("ParseType(%q) = %v, %v", f.Type.String(), have, err)
		}
	}
	if have, err := ParseType("q4_k"); err != nil || have != Q4_K {
		t.Errorf("ParseType(q4_k) = %v, %v", have, err)
	}
	if _, err := ParseType("Q9_9"); err == nil {
		t.Error("ParseType(Q9_9) went through")
	}
	if s := Type(99).String(); s != "type 99" {
		t.Errorf("Type(99) = %q", s)
	}
}

func TestRowBytes(t *testing.T) {
	for _, c := range []struct {
		t    Type
		cols int
		want int
	}{{Q4_1, 576, 360}, {Q8_0, 64, 68}, {Q6_K, 512, 420}, {BF16, 3, 6}, {Q4_1, 33, 0}, {Q4_K, 128, 0}, {F32, 0, 0}, {F32, -1, 0}, {99, 32, 0}} {
		if have := c.t.RowBytes(c.cols); have != c.want {
			t.Errorf("%v.RowBytes(%d) = %d, want %d", c.t, c.cols, have, c.want)
		}
	}
}
