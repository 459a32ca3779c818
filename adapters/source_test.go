package adapters_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/adapters"
)

// peftFiles are the two files of a PEFT folder.
func peftFiles(t testing.TB, name string) (config, tensors []byte) {
	t.Helper()
	for file, at := range map[string]*[]byte{"adapter_config.json": &config, "adapter_model.safetensors": &tensors} {
		data, err := os.ReadFile(filepath.Join("testdata", name, file))
		if err != nil {
			t.Fatal(err)
		}
		*at = data
	}
	return config, tensors
}

type entry struct {
	tar.Header
	data []byte
}

func file(name string, data []byte) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, data}
}

// tarOf is a tar of entries, cut off after so many bytes when cut is above 0.
func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		e.Size = int64(len(e.data))
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestArchives: tar and tar.gz, with and without a folder, with what people leave
// in them.
func TestArchives(t *testing.T) {
	config, tensors := peftFiles(t, "lora")
	want := readPEFT(t, "lora").Generation
	for name, data := range map[string][]byte{
		"tar":    tarOf(t, file("adapter_config.json", config), file("adapter_model.safetensors", tensors)),
		"tar.gz": gzipOf(t, tarOf(t, file("adapter_config.json", config), file("adapter_model.safetensors", tensors))),
		"folder": gzipOf(t, tarOf(t, entry{tar.Header{Name: "./my/", Typeflag: tar.TypeDir, Mode: 0o755}, nil}, file("./my/README.md", []byte("x")),
			file("./my/adapter_model.safetensors", tensors), file("my/tokenizer.json", make([]byte, 1<<20)), file("./my/adapter_config.json", config), file("my/training_args.bin", []byte{1}))),
		"long name": tarOf(t, file(strings.Repeat("d/", 100)+"adapter_config.json", config), file(strings.Repeat("d/", 100)+"adapter_model.safetensors", tensors)),
	} {
		dir := t.TempDir()
		path, err := adapters.Unpack(dir, adapters.Limits{}, bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a, err := adapters.ReadPEFT(path, adapters.Limits{})
		if err != nil || a.Generation != want {
			t.Errorf("%s: %v", name, err)
		}
		if list, _ := os.ReadDir(dir); len(list) != 2 {
			t.Errorf("%s: %v was kept", name, list)
		}
	}
}

// zeros are n bytes of nothing.
func zeros(n int64) io.Reader { return io.LimitReader(nothing{}, n) }

type nothing struct{}

func (nothing) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// streamed is a tar of one entry whose header promises size bytes, and then data.
func streamed(t *testing.T, h tar.Header, size int64, data io.Reader) io.Reader {
	t.Helper()
	var b bytes.Buffer
	h.Size = size
	if err := tar.NewWriter(&b).WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	return io.MultiReader(&b, data)
}

// TestArchiveAttacks: each is an error that says what is wrong, and nothing of the
// size that it pretends to is written.
func TestArchiveAttacks(t *testing.T) {
	config, tensors := peftFiles(t, "lora")
	peft := []entry{file("adapter_config.json", config), file("adapter_model.safetensors", tensors)}
	with := func(more ...entry) io.Reader { return bytes.NewReader(tarOf(t, append(more, peft...)...)) }
	whole := tarOf(t, peft...)
	wrongSum := gzipOf(t, whole)
	wrongSum[len(wrongSum)-8] ^= 1
	many := make([]entry, 1100)
	for i := range many {
		many[i] = file("README.md", nil)
	}
	huge := file("adapter_model.safetensors", nil).Header
	for _, c := range []struct {
		name string
		r    io.Reader
		is   error
		want string
	}{
		{"bomb", bytes.NewReader(gzipOf(t, append(tarOf(t, file("README.md", make([]byte, 40<<20))), whole...))), adapters.ErrTooLarge, "more than 200 times its size"},
		{"bomb in an adapter's file", bytes.NewReader(gzipOf(t, tarOf(t, file("adapter_model.safetensors", make([]byte, 40<<20))))), adapters.ErrTooLarge, "adapter_model.safetensors has more than 1048576 bytes"},
		{"large", streamed(t, file("README.md", nil).Header, 1<<40, zeros(1<<40)), adapters.ErrTooLarge, "unpacks to more than"},
		{"large header, nothing behind", streamed(t, huge, 1<<50, strings.NewReader("x")), adapters.ErrInvalid, "unexpected EOF"},
		{"large header, much behind", streamed(t, huge, 1<<50, zeros(1<<50)), adapters.ErrTooLarge, "has more than 1048576 bytes"},
		{"large configuration", bytes.NewReader(tarOf(t, file("adapter_config.json", make([]byte, 2<<20)))), adapters.ErrTooLarge, "adapter_config.json has more than"},
		{"cut", bytes.NewReader(whole[:len(whole)/2]), adapters.ErrInvalid, "unexpected EOF"},
		{"cut gzip", bytes.NewReader(gzipOf(t, whole)[:300]), adapters.ErrInvalid, "unexpected EOF"},
		{"wrong sum", bytes.NewReader(wrongSum), adapters.ErrInvalid, "checksum"},
		{"no archive", strings.NewReader(strings.Repeat("no archive. ", 100)), adapters.ErrInvalid, "tar header"},
		{"empty", strings.NewReader(""), adapters.ErrInvalid, "EOF"},
		{"nothing in it", bytes.NewReader(tarOf(t)), adapters.ErrInvalid, "want adapter_config.json and adapter_model.safetensors"},
		{"many entries", with(many...), adapters.ErrTooLarge, "more than 1024 entries"},
		{"absolute", with(file("/etc/passwd", nil)), adapters.ErrInvalid, `"/etc/passwd"`},
		{"leads out", with(file("a/../../adapter_config.json", nil)), adapters.ErrInvalid, "leads out of it"},
		{"backslashes", with(file(`..\adapter_config.json`, nil)), adapters.ErrInvalid, "leads out of it"},
		{"long name", with(file(strings.Repeat("n", 600), nil)), adapters.ErrTooLarge, "a name of 600 bytes"},
		{"link", with(entry{tar.Header{Name: "adapter_config.json", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, nil}), adapters.ErrInvalid, "has a link"},
		{"hard link", with(entry{tar.Header{Name: "x", Typeflag: tar.TypeLink, Linkname: "adapter_config.json"}, nil}), adapters.ErrInvalid, "has a link"},
		{"device", with(entry{tar.Header{Name: "adapter_config.json", Typeflag: tar.TypeChar}, nil}), adapters.ErrInvalid, "no ordinary file"},
		{"pipe", with(entry{tar.Header{Name: "adapter_config.json", Typeflag: tar.TypeFifo}, nil}), adapters.ErrInvalid, "no ordinary file"},
		{"old sparse", sparse(t, whole, true), adapters.ErrInvalid, ""},
		{"sparse", sparse(t, whole, false), adapters.ErrInvalid, "sparse"},
		{"twice", with(file("adapter_config.json", config)), adapters.ErrInvalid, "two files adapter_config.json"},
		{"two folders", bytes.NewReader(tarOf(t, file("a/adapter_config.json", config), file("b/adapter_model.safetensors", tensors))), adapters.ErrInvalid, "want one adapter"},
		{"two GGUF files", bytes.NewReader(tarOf(t, file("a.gguf", nil), file("b.gguf", nil))), adapters.ErrInvalid, "two files adapter.gguf"},
		{"both formats", with(file("a.gguf", nil)), adapters.ErrInvalid, "want one of them"},
		{"pickle", bytes.NewReader(tarOf(t, file("adapter_config.json", config), file("adapter_model.bin", tensors))), adapters.ErrInvalid, "adapter_model.bin is a pickle"},
		{"mlx", bytes.NewReader(tarOf(t, file("adapter_config.json", config), file("adapters.safetensors", tensors))), adapters.ErrInvalid, "mlx-lm"},
	} {
		dir := t.TempDir()
		_, err := adapters.Unpack(dir, adapters.Limits{Bytes: 1 << 20}, c.r)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		list, _ := os.ReadDir(dir)
		for _, e := range list {
			if info, err := e.Info(); err != nil || info.Size() > 1<<20+1 {
				t.Errorf("%s: wrote %d bytes of %s", c.name, info.Size(), e.Name())
			}
		}
	}
}

// sparse is an archive with an entry of GNU's format for holes, of before or after
// there were PAX headers.
func sparse(t *testing.T, whole []byte, old bool) io.Reader {
	t.Helper()
	if old {
		data := bytes.Clone(whole)
		data[156] = 'S' // type of the first entry; the sum is that of the changed header
		copy(data[257:], "ustar  \x00")
		copy(data[148:156], "        ")
		sum := 0
		for _, c := range data[:512] {
			sum += int(c)
		}
		copy(data[148:], []byte{'0' + byte(sum>>15&7), '0' + byte(sum>>12&7), '0' + byte(sum>>9&7), '0' + byte(sum>>6&7), '0' + byte(sum>>3&7), '0' + byte(sum&7), 0, ' '})
		return bytes.NewReader(data)
	}
	// Go's writer refuses the records, so they are written as another's and renamed.
	e := file("adapter_config.json", []byte("1\n0\n0\n"+strings.Repeat("\x00", 506)))
	e.PAXRecords = map[string]string{"XNU.sparse.major": "1", "XNU.sparse.minor": "0", "XNU.sparse.realsize": "1000000000000"}
	return bytes.NewReader(bytes.ReplaceAll(tarOf(t, e), []byte("XNU.sparse"), []byte("GNU.sparse")))
}

// TestPathsOutsideRoots: what is not under a root is refused, whatever way leads
// there, and nobody learns whether it exists.
func TestPathsOutsideRoots(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	outside := t.TempDir()
	for _, dir := range []string{filepath.Join(outside, "a"), filepath.Join(s.root, "in", "a")} {
		os.MkdirAll(filepath.Dir(dir), 0o755)
		if err := adapters.WritePEFT(dir, s.random(1)); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		os.MkdirAll(filepath.Dir(filepath.Join(s.root, name)), 0o755)
		if err := os.Symlink(to, filepath.Join(s.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(outside, "out")
	link(filepath.Join(s.root, "in"), "inside")
	link(filepath.Join(outside, "a", "adapter_config.json"), "half/adapter_config.json")
	link(filepath.Join(outside, "a", "adapter_model.safetensors"), "half/adapter_model.safetensors")
	link(filepath.Join(s.root, "in", "a", "adapter_config.json"), "links/adapter_config.json")
	link("../in/a/adapter_model.safetensors", "links/adapter_model.safetensors")
	for path, want := range map[string]error{
		filepath.Join(outside, "a"):               adapters.ErrForbidden,
		filepath.Join(outside, "none"):            adapters.ErrForbidden,
		filepath.Join(s.root, "out", "a"):         adapters.ErrForbidden,
		filepath.Join(s.root, "..", "none"):       adapters.ErrForbidden,
		"../" + filepath.Base(outside) + "/a":     adapters.ErrForbidden,
		filepath.Join(s.root, "half"):             adapters.ErrForbidden,
		filepath.Join(s.root, "none"):             adapters.ErrNoPath,
		filepath.Join(s.root, "links"):            nil,
		"none":                                    adapters.ErrNoPath,
		filepath.Join(s.root, "in", "a"):          nil,
		filepath.Join(s.root, "inside", "a"):      nil,
		filepath.Join(s.root, "in", "..", "in/a"): nil,
		"in/a": nil,
		filepath.Join(s.root, "in", "a", "adapter_config.json"): adapters.ErrInvalid,
		filepath.Join(s.root, "in"):                             adapters.ErrInvalid,
	} {
		_, err := s.Add(ctx, adapters.AddRequest{Name: "x", Path: path, Replace: true})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	s.opts.Roots = nil
	if _, err := s.open().Add(ctx, adapters.AddRequest{Name: "y", Path: filepath.Join(s.root, "in", "a")}); !errors.Is(err, adapters.ErrForbidden) || !strings.Contains(err.Error(), "adapters.roots") {
		t.Errorf("without roots: %v", err)
	}
}

// FuzzArchive: no archive panics, or writes more than its limits allow.
func FuzzArchive(f *testing.F) {
	config, tensors := peftFiles(f, "lora")
	f.Add(tarOf(f, file("a/adapter_config.json", config), file("a/adapter_model.safetensors", tensors[:2000])))
	f.Add(gzipOf(f, tarOf(f, file("adapter_config.json", config), file("x.gguf", []byte("GGUF")))))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		_, err := adapters.Unpack(dir, adapters.Limits{Bytes: 1 << 16}, bytes.NewReader(data))
		list, _ := os.ReadDir(dir)
		for _, e := range list {
			if info, infoErr := e.Info(); infoErr != nil || !info.Mode().IsRegular() || info.Size() > 1<<20+1 {
				t.Fatalf("%s: %v", e.Name(), info.Mode())
			}
		}
		if err == nil && len(list) == 0 {
			t.Fatal("nothing is an adapter")
		}
	})
}

// TestRepository: what was fetched is read, and the commit is kept.
func TestRepository(t *testing.T) {
	config, tensors := peftFiles(t, "lora")
	s := newShelf(t, func(o *adapters.RegistryOptions) {
		o.Fetch = func(_ context.Context, repo, revision, dir string, most int64) (string, error) {
			if repo != "o/m" || revision != "v1" || most < 1<<30 {
				t.Errorf("%s %s %d", repo, revision, most)
			}
			return "c0ffee", errors.Join(os.WriteFile(filepath.Join(dir, "adapter_config.json"), config, 0o600),
				os.WriteFile(filepath.Join(dir, "adapter_model.safetensors"), tensors, 0o600))
		}
	})
	e := s.must(s.Add(context.Background(), adapters.AddRequest{Name: "x", Repo: "o/m", Revision: "v1"}))
	if e.Lineage.Source != "hf o/m@c0ffee" || e.Generation != readPEFT(t, "lora").Generation {
		t.Fatalf("%+v", e)
	}
}

// TestUploads: files of a form, in both formats, become the same generation.
func TestUploads(t *testing.T) {
	ctx := context.Background()
	config, tensors := peftFiles(t, "lora")
	gguf, err := os.ReadFile("testdata/lora.gguf")
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf(t)
	one := s.must(s.Add(ctx, adapters.AddRequest{Name: "peft", Files: []adapters.File{
		{Name: "sub/adapter_model.safetensors", Reader: bytes.NewReader(tensors)}, {Name: "README.md", Reader: failing{}}, {Name: "adapter_config.json", Reader: bytes.NewReader(config)}}}))
	two := s.must(s.Add(ctx, adapters.AddRequest{Name: "gguf", Files: []adapters.File{{Name: "any.GGUF", Reader: bytes.NewReader(gguf)}}}))
	three := s.must(s.Add(ctx, adapters.AddRequest{Name: "tar", Archive: bytes.NewReader(gzipOf(t, tarOf(t, file("x/lora.gguf", gguf))))}))
	if one.Generation != two.Generation || one.Generation != three.Generation || len(s.folders()) != 1 || two.Lineage.Source != "upload" {
		t.Fatalf("%s %s %s, %d folders", one.Generation, two.Generation, three.Generation, len(s.folders()))
	}
}
