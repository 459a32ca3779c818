package api

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// archive is the folder of an adapter as tar.gz, with pad bytes that are not needed
// and more entries before it.
func archive(t testing.TB, dir string, pad int, before ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, h := range before {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"README.md", "adapter_config.json", "adapter_model.safetensors"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if name == "README.md" { // not needed, and does not get smaller
			data, err = make([]byte, pad), nil
			rand.NewChaCha8([32]byte{}).Read(data)
		}
		if err == nil {
			err = w.WriteHeader(&tar.Header{Name: "lora/" + name, Mode: 0o600, Size: int64(len(data))})
		}
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	zip.Close()
	return out.Bytes()
}

// form is a form with fields and files by their paths.
func form(t testing.TB, fields [][2]string, files ...string) (kind string, body []byte) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, path := range files { // before the fields: their order is the client's
		part, err := w.CreateFormFile("file", "C:\\adapters\\"+filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		part.Write(data)
	}
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return w.FormDataContentType(), out.Bytes()
}

func sendAs(h http.Handler, path, kind string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-Request-Id", "test")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestUpload(t *testing.T) {
	b := newBench(t, func(d *Deps) { d.Options.MaxBody = 10 }) // uploads have a bound of their own
	one := filepath.Join(b.root, "one")
	packed := archive(t, one, 0)
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/lora_adapters"
	made := fieldsOf(t, sendAs(b, path+"?name=gz&notes=sent&settings=%7B%22system%22%3A%22s%22%7D", "application/gzip", bytes.NewReader(packed)), 201)
	if made["generation"] != b.one.Generation || made["source"] != "upload" || made["notes"] != "sent" || made["settings"].(map[string]any)["system"] != "s" {
		t.Errorf("made %v", made)
	}
	fieldsOf(t, sendAs(b, path+"?name=tar", "application/x-tar", unpacked), 201)
	kind, body := form(t, [][2]string{{"name", "form"}, {"replace", "false"}, {"settings", `{"top_p":0.5}`}}, filepath.Join(one, "adapter_config.json"), filepath.Join(one, "adapter_model.safetensors"))
	made = fieldsOf(t, sendAs(b, path, kind, bytes.NewReader(body)), 201)
	if made["settings"].(map[string]any)["top_p"] != 0.5 {
		t.Errorf("made %v", made)
	}
	whole := filepath.Join(t.TempDir(), "all.tar.gz")
	if err := os.WriteFile(whole, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	kind, body = form(t, [][2]string{{"name", "packed"}}, whole)
	fieldsOf(t, sendAs(b, path, kind, bytes.NewReader(body)), 201)
	b.want(t, "form one", "gz one", "packed one", "tar one")

	gguf := contents(t, filepath.Join("..", "adapters", "testdata", "lora.gguf"))
	made = fieldsOf(t, sendAs(b, path+"?name=gguf", "application/octet-stream", bytes.NewReader(gguf)), 201)
	kind, body = form(t, [][2]string{{"name", "gguf"}, {"load_inplace", "true"}, {"expected_generation", made["generation"].(string)}}, filepath.Join("..", "adapters", "testdata", "lora.gguf"))
	if again := fieldsOf(t, sendAs(b, path, kind, bytes.NewReader(body)), 201); again["generation"] != made["generation"] {
		t.Errorf("the same file is %v, then %v", made["generation"], again["generation"])
	}
}

func contents(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUploadRefused(t *testing.T) {
	b := newBench(t, func(d *Deps) { d.Options.MaxUpload = 20_000 })
	one := filepath.Join(b.root, "one")
	config, tensors := filepath.Join(one, "adapter_config.json"), filepath.Join(one, "adapter_model.safetensors")
	good := archive(t, one, 0)
	path := "/v1/lora_adapters"
	formed := func(fields [][2]string, files ...string) *httptest.ResponseRecorder {
		kind, body := form(t, fields, files...)
		return sendAs(b, path, kind, bytes.NewReader(body))
	}
	named := [][2]string{{"name", "x"}}
	packed := func(query string, body []byte) *httptest.ResponseRecorder {
		return sendAs(b, path+query, "application/gzip", bytes.NewReader(body))
	}
	for name, c := range map[string]struct {
		w           *httptest.ResponseRecorder
		status      int
		param, code string
	}{
		"an escape":        {packed("?name=x", archive(t, one, 0, tar.Header{Name: "../../evil", Mode: 0o600})), 422, "", "invalid_lora_adapter"},
		"a link":           {packed("?name=x", archive(t, one, 0, tar.Header{Name: "lora/adapter_model.safetensors", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})), 422, "", "invalid_lora_adapter"},
		"no archive":       {packed("?name=x", []byte("not an archive")), 422, "", "invalid_lora_adapter"},
		"cut short":        {packed("?name=x", good[:len(good)/2]), 422, "", "invalid_lora_adapter"},
		"no name":          {packed("", good), 400, "name", "missing_required_parameter"},
		"an unknown field": {packed("?name=x&path=two", good), 400, "path", "unknown_parameter"},
		"a bad flag":       {packed("?name=x&stage=maybe", good), 400, "stage", "invalid_type"},
		"bad settings":     {packed("?name=x&settings=%7B", good), 400, "settings", "invalid_json"},
		"no files":         {formed(named), 400, "file", "missing_required_parameter"},
		"one file":         {formed(named, tensors), 422, "", "invalid_lora_adapter"},
		"a file twice":     {formed(named, config, config, tensors), 400, "", "invalid_form"},
		"a field twice":    {formed([][2]string{{"name", "x"}, {"name", "y"}}, config, tensors), 400, "name", "duplicate_key"},
		"no form":          {sendAs(b, path, "multipart/form-data", strings.NewReader("x")), 400, "", "invalid_form"},
		"a broken form":    {sendAs(b, path, "multipart/form-data; boundary=b", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1")), 400, "", "invalid_form"},
		"too long":         {sendAs(b, path+"?name=x", "application/octet-stream", bytes.NewReader(make([]byte, 30_000))), 413, "", "request_body_too_large"},
		"a form too long":  {sendAs(b, path, "multipart/form-data; boundary=b", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"adapter.gguf\"\r\n\r\n"+strings.Repeat("x", 30_000))), 413, "", "request_body_too_large"},
		"no content type":  {sendAs(b, path, "", strings.NewReader("{}")), 400, "", "invalid_content_type"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, c.w, c.status, "invalid_request_error", c.param, c.code) })
	}
	b.want(t)
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "upload-*")); len(left) > 0 {
		t.Errorf("files are left: %q", left)
	}
}

// Adapters that are being added take memory, so their number is bounded; whoever
// comes too many is told to come again.
func TestUploadBusy(t *testing.T) {
	b := newBench(t, func(d *Deps) { d.Options.MaxUploads = 1 })
	slow, more := io.Pipe()
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- sendAs(b, "/v1/lora_adapters?name=slow", "application/gzip", slow) }()
	good := archive(t, filepath.Join(b.root, "one"), 0)
	if _, err := more.Write(good[:10]); err != nil { // read: so it has the place
		t.Fatal(err)
	}
	for path, body := range map[string]string{"/v1/lora_adapters": `{"name":"x","path":"two"}`, "/load_lora_adapter": `{"lora_name":"x","lora_path":"two"}`} {
		w := do(b, "POST", path, body)
		wantError(t, w, 429, "rate_limit_error", "", "lora_load_busy")
		if w.Header().Get("Retry-After") == "" {
			t.Error("nobody says when to come again")
		}
	}
	go func() {
		more.Write(good[10:])
		more.Close()
	}()
	fieldsOf(t, <-done, 201)
	b.ask(t, 201, "POST", "/v1/lora_adapters", `{"name":"x","path":"two"}`)
	b.want(t, "slow one", "x two")
}

// A client that sends nothing loses its place, one that keeps sending does not.
func TestUploadSlow(t *testing.T) {
	b := newBench(t, func(d *Deps) { d.Options.ReadTimeout = 300 * time.Millisecond })
	srv := httptest.NewUnstartedServer(b)
	srv.Config.ReadTimeout = 300 * time.Millisecond // as the program has it
	srv.Start()
	defer srv.Close()
	good := archive(t, filepath.Join(b.root, "one"), 200_000)
	open := func(name string) net.Conn {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		fmt.Fprintf(c, "POST /v1/lora_adapters?name=%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/gzip\r\nContent-Length: %d\r\n\r\n", name, len(good))
		return c
	}
	status := func(c net.Conn) int {
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	idle := open("idle")
	idle.Write(good[:20])
	if got := status(idle); got != 408 {
		t.Errorf("a client that sends no more: %d", got)
	}
	steady := open("steady")
	start := time.Now()
	for sent := range slices.Chunk(good, len(good)/10+1) { // 20 kB in 50 ms, at least 0.8 are asked for
		time.Sleep(50 * time.Millisecond)
		if _, err := steady.Write(sent); err != nil {
			t.Fatalf("cut off after %v: %v", time.Since(start), err)
		}
	}
	if got := status(steady); got != 201 || time.Since(start) < 400*time.Millisecond {
		t.Errorf("a slow but steady client: %d after %v", got, time.Since(start))
	}
	b.want(t, "steady one")
}
