package adapters_test

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"graft/adapters"
	"graft/internal/kernel"
)

// TestPEFTRoundTrip: what is written is read as the same generation, also when the
// configuration has to be made anew.
func TestPEFTRoundTrip(t *testing.T) {
	for _, name := range variants {
		a := readPEFT(t, name)
		m := tiny(t, baseOf(a), "")
		for _, config := range []adapters.Config{a.Config, {Base: a.Config.Base, Task: "CAUSAL_LM"}} {
			b := *a
			b.Config = config
			dir := t.TempDir()
			if err := adapters.WritePEFT(dir, &b); err != nil {
				t.Fatal(err)
			}
			again, err := adapters.ReadPEFT(dir, adapters.Limits{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if again.Generation != a.Generation {
				t.Errorf("%s: generation %s, want %s", name, again.Generation, a.Generation)
			}
			if again.Config.Base != "tiny/"+baseOf(a) || again.Config.Task != "CAUSAL_LM" {
				t.Errorf("%s: base %q, task %q", name, again.Config.Base, again.Config.Task)
			}
			check(t, m, again)
		}
	}
}

// TestMixedScales: rank-stabilised and plain modules in one adapter keep their
// scales in either format.
func TestMixedScales(t *testing.T) {
	a := readPEFT(t, "lora")
	m := tiny(t, "llama", "")
	for i, x := range a.Modules {
		x.RS, x.Alpha = i%2 == 0, float64(3+i)
	}
	a.Modules[3].Alpha = 0
	dir := t.TempDir()
	if err := adapters.WritePEFT(dir, a); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.gguf")
	if err := adapters.WriteGGUF(path, a, &m.Config); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{dir, path} {
		again, err := adapters.Read(from, &m.Config, adapters.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		b, c := check(t, m, a), check(t, m, again)
		for _, l := range m.Linears {
			want, _ := b.Merge(l)
			have, _ := c.Merge(l)
			if d := distance(want, have); len(want) != len(have) || d > 2e-7 {
				t.Errorf("%s: %s differs by %g", from, l.Name, d)
			}
		}
	}
}

// TestWriteGGUF: an adapter that goes through GGUF is the same, and the file holds
// what the converter's does.
func TestWriteGGUF(t *testing.T) {
	for _, name := range []string{"lora", "rslora", "embed", "fused", "patterns", "layers"} {
		a := readPEFT(t, name)
		m := tiny(t, baseOf(a), "")
		path := filepath.Join(t.TempDir(), "a.gguf")
		if err := adapters.WriteGGUF(path, a, &m.Config); err != nil {
			t.Fatal(err)
		}
		again, err := adapters.ReadGGUF(path, &m.Config, adapters.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if again.Config.Base != a.Config.Base {
			t.Errorf("%s: base %q, want %q", name, again.Config.Base, a.Config.Base)
		}
		if name != "patterns" {
			sameModules(t, again, a)
			continue
		}
		for _, want := range a.Modules { // one alpha: B takes the rest
			have := again.Module(want.Path)
			s := have.Scale() / want.Scale()
			for i, v := range have.B.Float32() {
				if w := want.B.Float32()[i]; math.Abs(float64(v)*s-float64(w)) > 1e-6*math.Abs(float64(w)) {
					t.Fatalf("%s: B[%d]·scale is %g times what it was", want.Path, i, float64(v)*s/float64(w))
				}
			}
		}
	}
}

// TestWriteGGUFRefuses names what llama.cpp cannot hold.
func TestWriteGGUFRefuses(t *testing.T) {
	for _, name := range []string{"dora", "saved", "bias-all", "ends"} {
		a := readPEFT(t, name)
		m := tiny(t, baseOf(a), "")
		path := filepath.Join(t.TempDir(), "a.gguf")
		if err := adapters.WriteGGUF(path, a, &m.Config); !errors.Is(err, adapters.ErrNotInGGUF) {
			t.Errorf("%s: %v", name, err)
		} else if name == "ends" {
			wants(t, err, "module model.embed_tokens: table and head are one weight", "module lm_head: table and head")
		}
	}
}

// TestGeneration: it follows every number and nothing else.
func TestGeneration(t *testing.T) {
	a, again := readPEFT(t, "lora"), readPEFT(t, "lora")
	if a.Generation != again.Generation {
		t.Error("the same files, another generation")
	}
	// Hashed by Python's hashlib, field by field as doc.go says.
	if want := pinnedGeneration; a.Generation != want {
		t.Errorf("generation %s, want %s", a.Generation, want)
	}
	changed := []func(*adapters.Adapter){
		func(a *adapters.Adapter) { a.Modules[0].A.Data[0] ^= 1 },
		func(a *adapters.Adapter) { a.Modules[5].B.Data[8] ^= 1 },
		func(a *adapters.Adapter) { a.Modules[2].Alpha *= 2 },
		func(a *adapters.Adapter) { a.Modules[7].Path += "x" },
		func(a *adapters.Adapter) { a.Modules[1].Magnitude = adapters.F32([]float32{1}, 1) },
		func(a *adapters.Adapter) {
			a.Replaced["lm_head.weight"] = adapters.Tensor{Type: kernel.F16, Shape: []int{1}, Data: []byte{0, 0}}
		},
	}
	seen := []string{a.Generation}
	for i, change := range changed {
		b := readPEFT(t, "lora")
		change(b)
		if g := adapters.Digest(b); slices.Contains(seen, g) {
			t.Errorf("change %d: the generation stays", i)
		} else {
			seen = append(seen, g)
		}
	}
}

// pinnedGeneration is that of testdata/lora.
const pinnedGeneration = "sha256:ffdf8da472b4143580221d3890590e7fc10c11e09040e2ea115821e1e51e8e2b"
