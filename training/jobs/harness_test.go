package jobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/internal/model"
	"graft/internal/store"
	"graft/internal/tokenizer"
)

const tiny = "../../serving/native/testdata/tiny"

// lender lends the tiny model.
type lender struct {
	m    *model.Model
	tok  *tokenizer.Tokenizer
	gone bool // it is not served
}

func newLender(t testing.TB) *lender {
	t.Helper()
	m, err := model.Load(tiny, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	tok, err := tokenizer.FromFolder(tiny)
	if err != nil {
		t.Fatal(err)
	}
	return &lender{m: m, tok: tok}
}

func (l *lender) Base(_ context.Context, id string) (*Base, error) {
	if id != "" && id != "tiny" || l.gone {
		return nil, fmt.Errorf("%w: %q", ErrNoBase, id)
	}
	return &Base{ID: "tiny", Digest: "sha256:tiny", Model: l.m, Tokenizer: l.tok, Release: func() {}}, nil
}

// folder keeps files, and the digests of what was published, in a directory, so that
// they survive the process.
type folder struct {
	dir string
	mu  sync.Mutex
	// gate is asked before something is published; nil: it may be.
	gate func(name string) error
}

func (f *folder) Open(_ context.Context, id string) (io.ReadCloser, File, error) {
	in, err := os.Open(filepath.Join(f.dir, id))
	if err != nil {
		return nil, File{}, fmt.Errorf("%w: %q", ErrNoFile, id)
	}
	purpose := "fine-tune"
	if strings.HasPrefix(id, "other") {
		purpose = "batch"
	}
	return in, File{ID: id, Name: id, Purpose: purpose}, nil
}

func (f *folder) Put(_ context.Context, file File, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.dir, file.ID), data, 0o600)
}

func (f *folder) write(t testing.TB, id, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, id), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Publish keeps the digest of the parameters; another content of a name is an error.
func (f *folder) Publish(_ context.Context, p Publication) error {
	if f.gate != nil {
		if err := f.gate(p.Name); err != nil {
			return err
		}
	}
	h := sha256.New()
	for _, q := range p.Adapter.Params() {
		fmt.Fprintln(h, q.Name, q.Shape())
		for _, v := range q.Data {
			h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
	}
	digest := fmt.Sprintf("%x", h.Sum(nil))
	f.mu.Lock()
	defer f.mu.Unlock()
	path := f.published(p.Name)
	if old, err := os.ReadFile(path); err == nil && string(old) != digest {
		os.WriteFile(path+".changed", []byte(digest), 0o600)
		return fmt.Errorf("%s was published with other numbers", p.Name)
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, []byte(digest), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func (f *folder) published(name string) string {
	return filepath.Join(f.dir, "published-"+strings.ReplaceAll(name, ":", "_"))
}

// digest is that of a published adapter; "": there is none.
func (f *folder) digest(name string) string {
	data, _ := os.ReadFile(f.published(name))
	return string(data)
}

// conversations are rows of a file.
func conversations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"Say %d and %d."},{"role":"assistant","content":"It is %d."}]}`+"\n", i, 3*i+1, 7*i+2)
	}
	return b.String()
}

// bench is a service with all that it needs, in a folder.
type bench struct {
	*Service
	files *folder
	store *store.Store
}

func openBench(t testing.TB, dir string, l *lender, change func(*Options)) *bench {
	t.Helper()
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	files := &folder{dir: filepath.Join(dir, "files")}
	if err := os.MkdirAll(files.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	o := Options{Store: st, Dir: filepath.Join(dir, "jobs"), Files: files, Bases: l, Publisher: files, Cores: 1, SaveEvery: time.Nanosecond}
	if change != nil {
		change(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{s, files, st}
}

// start runs the queue until the test ends, or stop is called.
func (b *bench) start(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// await waits for a job to end and returns it with its events, oldest first.
func (b *bench) await(t testing.TB, id string) (Job, []Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var events []Event
	for e, err := range b.Follow(ctx, id, "") {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	j, err := b.Get(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return j, events
}

func texts(events []Event) string {
	var b bytes.Buffer
	for _, e := range events {
		fmt.Fprintln(&b, e.Message)
	}
	return b.String()
}

func pointer[T any](v T) *T { return &v }
