package adapters_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"graft/adapters"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/reftest"
)

// tinyPath is where a tiny model lies; ext as in tiny.
func tinyPath(name, ext string) string {
	return filepath.Join("..", "internal", "model", "testdata", name+ext)
}

// loaded is a model that was written.
func loaded(t testing.TB, path string) *model.Model {
	t.Helper()
	m, err := model.Load(path, model.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestExported: what is written loads as a model whose logits are PEFT's, from a
// folder and from a GGUF file to either.
func TestExported(t *testing.T) {
	for _, name := range variants {
		a := readPEFT(t, name)
		golden := reftest.Load(t, filepath.Join("testdata", name+".golden.safetensors"))
		ids := golden.IDs(t, "ids")
		for _, ext := range []string{"", ".gguf"} {
			base := tinyPath(baseOf(a), ext)
			if _, err := os.Stat(base); err != nil {
				continue // of mistral there is no GGUF file
			}
			t.Run(name+ext, func(t *testing.T) {
				b := check(t, loaded(t, base), a)
				o := adapters.ExportOptions{Path: base, Type: kernel.F32}
				folder := filepath.Join(t.TempDir(), "merged")
				if err := b.ExportFolder(folder, o); err != nil {
					t.Fatal(err)
				}
				golden.Compare(t, "logits", logits(loaded(t, folder), ids), 2e-5)
				file := filepath.Join(t.TempDir(), "merged.gguf")
				if err := b.ExportGGUF(file, o); ext == "" {
					wants(t, err, "is a Hugging Face folder")
				} else if err != nil {
					t.Fatal(err)
				} else {
					golden.Compare(t, "logits", logits(loaded(t, file), ids), 2e-5)
				}
			})
		}
	}
}

// TestExportedTypes: narrower types are the same numbers, rounded once.
func TestExportedTypes(t *testing.T) {
	base := tinyPath("llama", ".gguf")
	b := check(t, loaded(t, base), readPEFT(t, "lora"))
	for typ, most := range map[kernel.Type]float64{kernel.F16: 0x1p-11, kernel.BF16: 0x1p-8, kernel.Q8_0: 1.0 / 127} {
		file := filepath.Join(t.TempDir(), "merged.gguf")
		if err := b.ExportGGUF(file, adapters.ExportOptions{Path: base, Type: typ, Name: "merged"}); err != nil {
			t.Fatal(err)
		}
		m := loaded(t, file)
		if m.Config.Name != "merged" {
			t.Errorf("it is called %q", m.Config.Name)
		}
		for i, l := range m.Linears {
			want, _ := b.Merge(b.Base.Model().Linears[i])
			if want == nil {
				continue
			}
			if l.W.Type != typ && typ != kernel.Q8_0 {
				t.Errorf("%s is %v, want %v", l.Name, l.W.Type, typ)
			}
			row := make([]float32, l.W.Cols)
			for r := range l.W.Rows {
				l.W.Row(row, r)
				w := want[r*l.W.Cols : (r+1)*l.W.Cols]
				if d := distance(row, w); d > most*distance(w, make([]float32, len(w))) {
					t.Fatalf("%v: %s row %d is %g away", typ, l.Name, r, d)
				}
			}
		}
	}
}

// TestExportRefuses: what cannot be written is refused with a reason, and nothing
// is left behind.
func TestExportRefuses(t *testing.T) {
	base := tinyPath("llama", ".gguf")
	b := check(t, loaded(t, base), readPEFT(t, "lora"))
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	if err := os.MkdirAll(filepath.Join(full, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{b.ExportFolder(full, adapters.ExportOptions{Path: base}), "full is there already"},
		{b.ExportGGUF(full, adapters.ExportOptions{Path: base}), "full is there already"},
		{b.ExportFolder(filepath.Join(dir, "a"), adapters.ExportOptions{Path: base, Type: kernel.Q8_0}), "a folder holds [F32 F16 BF16], not Q8_0"},
		{b.ExportGGUF(filepath.Join(dir, "a"), adapters.ExportOptions{Path: base, Type: kernel.Q4_K}), "not Q4_K"},
		{b.ExportGGUF(filepath.Join(dir, "no", "a"), adapters.ExportOptions{Path: base}), "no such file"},
	} {
		wants(t, test.err, test.want)
	}
	large := readPEFT(t, "lora")
	large.Modules[0].Alpha = 1e9
	bound := check(t, b.Base.Model(), large)
	for _, err := range []error{
		bound.ExportFolder(filepath.Join(dir, "a"), adapters.ExportOptions{Path: base, Type: kernel.F16}),
		bound.ExportGGUF(filepath.Join(dir, "a"), adapters.ExportOptions{Path: base, Type: kernel.F16}),
	} {
		wants(t, err, "which F16 cannot hold")
		if !errors.Is(err, adapters.ErrCannotExport) {
			t.Errorf("%v is not ErrCannotExport", err)
		}
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// TestWriteFolder: a folder that is there gets new files, and a failure leaves the
// old ones.
func TestWriteFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "lora")
	if err := adapters.WritePEFT(dir, readPEFT(t, "lora")); err != nil {
		t.Fatal(err)
	}
	broken := readPEFT(t, "dora")
	broken.Modules[0].A.Data = broken.Modules[0].A.Data[1:]
	if err := adapters.WritePEFT(dir, broken); err == nil {
		t.Fatal("a tensor without its end was written")
	}
	again, err := adapters.ReadPEFT(dir, adapters.Limits{})
	if err != nil || again.Generation != pinnedGeneration {
		t.Errorf("after a failure: %v", err)
	}
	want := readPEFT(t, "dora")
	if err := adapters.WritePEFT(dir, want); err != nil {
		t.Fatal(err)
	}
	if again, err = adapters.ReadPEFT(dir, adapters.Limits{}); err != nil || again.Generation != want.Generation {
		t.Errorf("replaced: %v", err)
	}
	list, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(list) != 1 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// TestCompare: the merged model is base and adapter, the base is not; the report of
// a divergence that can be worked out by hand.
func TestCompare(t *testing.T) {
	base := tinyPath("llama", "")
	m := loaded(t, base)
	b := check(t, m, readPEFT(t, "lora"))
	folder := filepath.Join(t.TempDir(), "merged")
	if err := b.ExportFolder(folder, adapters.ExportOptions{Path: base}); err != nil {
		t.Fatal(err)
	}
	texts := [][]int32{make([]int32, 40), {5, 6, 7}}
	for i := range texts[0] {
		texts[0][i] = int32(3 + i*7%90)
	}
	r, err := b.Compare(t.Context(), loaded(t, folder), texts)
	if err != nil || r.Tokens != 43 || !(r.KL >= 0 && r.KL < 1e-6) || r.Top1 != 1 {
		t.Errorf("merged: %+v, %v", r, err)
	}
	far, err := b.Compare(t.Context(), loaded(t, base), texts)
	if err != nil || far.KL < 1e-3 || far.Top1 == 1 {
		t.Errorf("the base alone: %+v, %v", far, err)
	}
	want, with := 0.0, served(t, loaded(t, folder), texts)
	for i, row := range served(t, loaded(t, base), texts) { // in one pass
		for at := 0; at < len(row); at += 96 {
			want += adapters.Divergence(with[i][at:at+96], row[at:at+96]) / 43
		}
	}
	if math.Abs(far.KL-want) > 1e-3*want {
		t.Errorf("the base alone: KL %g, in one pass %g", far.KL, want)
	}
	// p = (1/2, 1/2), q = (1/4, 3/4)
	if kl := adapters.Divergence([]float32{0, 0}, []float32{0, float32(math.Log(3))}); math.Abs(kl-(0.5*math.Log(2)+0.5*math.Log(2.0/3))) > 1e-6 {
		t.Errorf("divergence %g", kl)
	}
	if _, err := b.Compare(t.Context(), m, nil); err == nil {
		t.Error("nothing was compared")
	}
}
