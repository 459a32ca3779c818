package hub

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeHub answers like the Hugging Face hub for one repository.
type fakeHub struct {
	*httptest.Server
	mu       sync.Mutex
	files    map[string][]byte
	etag     string
	breakAt  []int            // bytes after which the next answers break off
	stall    bool             // instead of breaking off, say nothing more
	status   int              // answer everything with it, when not 0
	first    http.HandlerFunc // answers the first request for a file, when not nil
	requests []*http.Request
}

func newFakeHub(t *testing.T, files map[string][]byte) *fakeHub {
	f := &fakeHub{files: files, etag: `"v1"`}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Server.CloseClientConnections)
	return f
}

func (f *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	limit := -1
	if len(f.breakAt) > 0 {
		limit, f.breakAt = f.breakAt[0], f.breakAt[1:]
	}
	status, etag, stall, first, files := f.status, f.etag, f.stall, f.first, f.files
	isFile := strings.HasPrefix(r.URL.Path, "/o/m/resolve/")
	if isFile {
		f.first = nil
	}
	f.mu.Unlock()
	if isFile && first != nil {
		first(w, r)
		return
	}
	if status != 0 {
		w.Header().Set("X-Error-Message", "Access to this model is restricted.")
		w.WriteHeader(status)
		return
	}
	if r.URL.Path == "/api/models/o/m/revision/main" || r.URL.Path == "/api/models/o/m/revision/v1/x" {
		f.list(w)
		return
	}
	_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/o/m/resolve/"), "/")
	data, ok := files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", etag)
	if limit >= 0 {
		w = &breaking{w, limit, stall, r}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (f *fakeHub) list(w http.ResponseWriter) {
	type lfs struct {
		SHA256 string `json:"sha256"`
		Size   int    `json:"size"`
	}
	type sibling struct {
		Name string `json:"rfilename"`
		Size int    `json:"size"`
		LFS  *lfs   `json:"lfs,omitempty"`
	}
	var out struct {
		SHA      string    `json:"sha"`
		Siblings []sibling `json:"siblings"`
	}
	out.SHA = "c0ffee"
	for name, data := range f.files {
		s := sibling{Name: name, Size: len(data)}
		if len(data) > 1000 {
			s.LFS = &lfs{sum(data), len(data)}
		}
		out.Siblings = append(out.Siblings, s)
	}
	json.NewEncoder(w).Encode(out)
}

// breaking ends an answer after some bytes, as a lost connection does.
type breaking struct {
	http.ResponseWriter
	left  int
	stall bool
	r     *http.Request
}

func (b *breaking) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.ResponseWriter.Write(p[:n])
	b.left -= n
	if b.left > 0 {
		return n, nil
	}
	b.ResponseWriter.(http.Flusher).Flush()
	if b.stall {
		<-b.r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// asked lists the requests so far.
func (f *fakeHub) asked() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// set changes the fake while it serves.
func (f *fakeHub) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// model is the catalog entry of files in the fake repository o/m.
func (f *fakeHub) model(names ...string) Model {
	m := Model{ID: "test-model", sources: []source{huggingFace{repo: "o/m"}}}
	for _, name := range names {
		m.Files = append(m.Files, File{name, int64(len(f.files[name])), sum(f.files[name])})
	}
	return m
}

// testHub is a Hub on the fake one, with short time-outs and catalog entries.
func testHub(t *testing.T, endpoint string, entries ...Model) *Hub {
	o := DefaultOptions(t.TempDir())
	o.Endpoint = endpoint
	o.StallTimeout = 200 * time.Millisecond
	old := catalog
	catalog = append(entries, old...)
	t.Cleanup(func() { catalog = old })
	return New(o)
}

func random(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	r.Read(b)
	return b
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
