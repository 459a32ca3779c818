package api

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"graft/internal/store"
)

// shelf is an API with a store for files, whose clock can be moved.
type shelf struct {
	http.Handler
	store *store.Store
	dir   string
}

func newShelf(t testing.TB, change ...func(*Deps)) *shelf {
	t.Helper()
	s := &shelf{dir: t.TempDir()}
	var err error
	if s.store, err = store.Open(t.Context(), s.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.Handler, _ = newTest(t, append([]func(*Deps){func(d *Deps) { d.Files = s.store; d.Now = time.Now }}, change...)...)
	return s
}

// contents counts what is on the disk.
func (s *shelf) contents(t testing.TB) int {
	t.Helper()
	named, err := filepath.Glob(filepath.Join(s.dir, "files", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	staged, _ := filepath.Glob(filepath.Join(s.dir, "files", "new-*"))
	return len(named) + len(staged)
}

// fileForm is a form; fields are name, value, name, value…
func fileForm(t testing.TB, field, name, content string, fields ...string) (kind string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	part, err := w.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	for i := 0; i < len(fields) && err == nil; i += 2 { // after the file: the order is the client's
		err = w.WriteField(fields[i], fields[i+1])
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), body
}

func (s *shelf) send(t testing.TB, path, field, name, content string, fields ...string) *httptest.ResponseRecorder {
	kind, body := fileForm(t, field, name, content, fields...)
	return sendAs(s, path, kind, body)
}

func TestFiles(t *testing.T) {
	s := newShelf(t, func(d *Deps) { d.Now = func() time.Time { return time.Unix(1_800_000_000, 0) } })
	made := s.send(t, "/v1/files", "file", `C:\data\rows.jsonl`, "{}\n", "purpose", "fine-tune")
	sameJSON(t, made.Body.String(), `{"id":"file-1","object":"file","bytes":3,"created_at":1800000000,"filename":"rows.jsonl","purpose":"fine-tune","status":"processed","status_details":null}`)
	made = s.send(t, "/v1/files", "file", "more", "{}\n", "purpose", "batch", "expires_after[anchor]", "created_at", "expires_after[seconds]", "3600")
	sameJSON(t, made.Body.String(), `{"id":"file-2","object":"file","bytes":3,"created_at":1800000000,"expires_at":1800003600,"filename":"more","purpose":"batch","status":"processed","status_details":null}`)
	fieldsOf(t, s.send(t, "/v1/files", "file", "third", "", "purpose", "evals"), 200)
	if n := s.contents(t); n != 2 {
		t.Errorf("%d contents, want 2: two files have the same", n)
	}

	ids := func(query string) string {
		t.Helper()
		list := fieldsOf(t, do(s, "GET", "/v1/files"+query, ""), 200)
		var b strings.Builder
		for _, f := range list["data"].([]any) {
			fmt.Fprint(&b, f.(map[string]any)["id"], " ")
		}
		fmt.Fprint(&b, list["has_more"], " ", list["first_id"], " ", list["last_id"])
		return b.String()
	}
	for query, want := range map[string]string{
		"":                             "file-3 file-2 file-1 false file-3 file-1",
		"?order=asc&limit=2":           "file-1 file-2 true file-1 file-2",
		"?order=asc&after=file-2":      "file-3 false file-3 file-3",
		"?after=file-3&limit=1":        "file-2 true file-2 file-2",
		"?purpose=batch":               "file-2 false file-2 file-2",
		"?purpose=fine-tune-results":   "false <nil> <nil>",
		"?limit=10000&purpose=&after=": "file-3 file-2 file-1 false file-3 file-1",
	} {
		if got := ids(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}

	w := do(s, "GET", "/v1/files/file-1/content", "")
	if w.Code != 200 || w.Body.String() != "{}\n" || w.Header().Get("Content-Disposition") != "attachment; filename=rows.jsonl" {
		t.Errorf("content: %d %q %v", w.Code, w.Body, w.Header())
	}
	sameJSON(t, do(s, "DELETE", "/v1/files/file-1", "").Body.String(), `{"id":"file-1","object":"file","deleted":true}`)
	for _, ask := range []string{"GET /v1/files/file-1", "DELETE /v1/files/file-1", "GET /v1/files/file-1/content"} {
		method, path, _ := strings.Cut(ask, " ")
		wantError(t, do(s, method, path, ""), 404, invalidRequest, "id", "file_not_found")
	}
	if w := do(s, "GET", "/v1/files/file-2/content", ""); w.Body.String() != "{}\n" {
		t.Errorf("the other file of that content: %q", w.Body)
	}
	do(s, "DELETE", "/v1/files/file-2", "")
	do(s, "DELETE", "/v1/files/file-3", "")
	if n := s.contents(t); n != 0 {
		t.Errorf("%d contents are left", n)
	}
}

func TestFilesRefused(t *testing.T) {
	s := newShelf(t, func(d *Deps) { d.Options.MaxFile = 10; d.Options.MaxBody = 5 })
	s.store.MaxFileBytes = 15
	for _, c := range []struct {
		field, content string
		fields         []string
		status         int
		param, code    string
	}{
		{"file", "x", nil, 400, "purpose", "missing_required_parameter"},
		{"file", "x", []string{"purpose", "fine-tune-results"}, 400, "purpose", "invalid_value"},
		{"file", "x", []string{"purpose", "batch", "colour", "red"}, 400, "colour", "unknown_parameter"},
		{"file", "x", []string{"purpose", "batch", "purpose", "batch"}, 400, "purpose", "duplicate_key"},
		{"file", "x", []string{"purpose", "batch", "expires_after[seconds]", "3600"}, 400, "expires_after", "missing_required_parameter"},
		{"file", "x", []string{"purpose", "batch", "expires_after[anchor]", "created_at", "expires_after[seconds]", "3599"}, 400, "expires_after[seconds]", "invalid_value"},
		{"file", "x", []string{"purpose", "batch", "expires_after[anchor]", "now", "expires_after[seconds]", "3600"}, 400, "expires_after[anchor]", "invalid_value"},
		{"files", "x", []string{"purpose", "batch"}, 400, "files", "unknown_parameter"},
		{"file", "12345678901", []string{"purpose", "batch"}, 413, "file", "file_too_large"},
	} {
		w := s.send(t, "/v1/files", c.field, "a", c.content, c.fields...)
		wantError(t, w, c.status, invalidRequest, c.param, c.code)
	}
	fieldsOf(t, s.send(t, "/v1/files", "file", "a", "1234567890", "purpose", "batch"), 200)
	wantError(t, s.send(t, "/v1/files", "file", "a", "123456", "purpose", "batch"), 507, serverError, "", "file_storage_full")
	wantError(t, do(s, "POST", "/v1/files", `{}`), 400, invalidRequest, "", "invalid_content_type")
	kind, _ := fileForm(t, "file", "a", "x")
	wantError(t, sendAs(s, "/v1/files", kind, strings.NewReader("--x")), 400, invalidRequest, "", "invalid_form")
	for query, code := range map[string]string{"limit=0": "integer_below_min_value", "limit=10001": "integer_above_max_value", "limit=x": "invalid_type", "order=up": "invalid_value", "purpose=x": "invalid_value", "page=2": "unknown_parameter"} {
		name, _, _ := strings.Cut(query, "=")
		wantError(t, do(s, "GET", "/v1/files?"+query, ""), 400, invalidRequest, name, code)
	}
	wantError(t, do(s, "GET", "/v1/files?after=none", ""), 404, invalidRequest, "after", "file_not_found")
	if n := s.contents(t); n != 1 {
		t.Errorf("%d contents are on the disk, want the one file's", n)
	}
	without, _ := newTest(t)
	wantError(t, do(without, "GET", "/v1/files", ""), 409, invalidRequest, "", "files_unavailable")
}

// The files of a key do not exist for others; an admin sees all.
func TestFilesOfKeys(t *testing.T) {
	s := newShelf(t, func(d *Deps) {
		d.Keys, d.Options.RequireKeys = keyTable{"a": {ID: "key-a"}, "b": {ID: "key-b"}, "root": {ID: "key-r", Admin: true}}, true
	})
	as := func(key, method, path string) *httptest.ResponseRecorder {
		r := request(method, path, "")
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	kind, body := fileForm(t, "file", "x", "of a", "purpose", "user_data")
	r := httptest.NewRequest("POST", "/v1/files", body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer a")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	id := fieldsOf(t, w, 200)["id"].(string)
	for key, want := range map[string]int{"a": 1, "b": 0, "root": 1} {
		if list := fieldsOf(t, as(key, "GET", "/v1/files"), 200)["data"].([]any); len(list) != want {
			t.Errorf("%s sees %d files", key, len(list))
		}
		status := map[int]int{0: 404, 1: 200}[want]
		for _, path := range []string{"/v1/files/" + id, "/v1/files/" + id + "/content", "/v1/files?after=" + id} {
			if w := as(key, "GET", path); w.Code != status {
				t.Errorf("%s: %s: %d", key, path, w.Code)
			}
		}
	}
	wantError(t, as("b", "DELETE", "/v1/files/"+id), 404, invalidRequest, "id", "file_not_found")
	if w := as("root", "DELETE", "/v1/files/"+id); w.Code != 200 {
		t.Errorf("an admin's delete: %d", w.Code)
	}
}

func TestUploads(t *testing.T) {
	s := newShelf(t)
	text := "first,second,third"
	begin := func(bytes int) string {
		t.Helper()
		u := fieldsOf(t, do(s, "POST", "/v1/uploads", fmt.Sprintf(`{"bytes":%d,"filename":"a/rows.jsonl","mime_type":"text/jsonl","purpose":"fine-tune","expires_after":{"anchor":"created_at","seconds":3600}}`, bytes)), 200)
		if u["status"] != "pending" || u["file"] != nil || u["filename"] != "rows.jsonl" || u["expires_at"] != u["created_at"].(float64)+3600 {
			t.Errorf("upload %v", u)
		}
		return u["id"].(string)
	}
	part := func(upload, content string) string {
		t.Helper()
		p := fieldsOf(t, s.send(t, "/v1/uploads/"+upload+"/parts", "data", "blob", content), 200)
		if p["object"] != "upload.part" || p["upload_id"] != upload {
			t.Errorf("part %v", p)
		}
		return p["id"].(string)
	}
	id := begin(len(text))
	third, first, second, spare := part(id, "third"), part(id, "first,"), part(id, "second,"), part(id, "unused")
	sum := md5.Sum([]byte(text))
	end := func(parts []string, sum string) *httptest.ResponseRecorder {
		return do(s, "POST", "/v1/uploads/"+id+"/complete", fmt.Sprintf(`{"part_ids":["%s"],"md5":%q}`, strings.Join(parts, `","`), sum))
	}
	good := []string{first, second, third}
	wantError(t, end(good, "00"), 400, invalidRequest, "md5", "checksum_mismatch")
	wantError(t, end([]string{first, second}, ""), 400, invalidRequest, "part_ids", "upload_size_mismatch")
	wantError(t, end([]string{first, "part_none"}, ""), 400, invalidRequest, "part_ids[1]", "part_not_found")
	wantError(t, end([]string{first, second, second}, ""), 400, invalidRequest, "part_ids[2]", "invalid_value")
	done := fieldsOf(t, end(good, hex.EncodeToString(sum[:])), 200)
	file, _ := done["file"].(map[string]any)
	if done["status"] != "completed" || file["bytes"] != float64(len(text)) || file["expires_at"] == nil || file["purpose"] != "fine-tune" {
		t.Fatalf("completed %v", done)
	}
	if w := do(s, "GET", "/v1/files/"+file["id"].(string)+"/content", ""); w.Body.String() != text {
		t.Errorf("content %q, not %q; %s was not named", w.Body, text, spare)
	}
	wantError(t, end(good, ""), 400, invalidRequest, "upload_id", "upload_ended")
	if n := s.contents(t); n != 1 {
		t.Errorf("%d contents are left, want the file's", n)
	}

	id = begin(1)
	part(id, "x")
	if u := fieldsOf(t, do(s, "POST", "/v1/uploads/"+id+"/cancel", ""), 200); u["status"] != "cancelled" {
		t.Errorf("cancelled %v", u)
	}
	wantError(t, s.send(t, "/v1/uploads/"+id+"/parts", "data", "blob", "x"), 400, invalidRequest, "upload_id", "upload_ended")
	wantError(t, do(s, "POST", "/v1/uploads/none/cancel", ""), 404, invalidRequest, "upload_id", "upload_not_found")
	wantError(t, do(s, "POST", "/v1/uploads", `{"bytes":8589934593,"filename":"a","mime_type":"x","purpose":"batch"}`), 400, invalidRequest, "bytes", "integer_above_max_value")
	wantError(t, do(s, "POST", "/v1/uploads", `{"bytes":1,"filename":"a","mime_type":"x","purpose":"none"}`), 400, invalidRequest, "purpose", "invalid_value")
	if n := s.contents(t); n != 1 {
		t.Errorf("%d contents are left, want the file's", n)
	}
}

// What openapi.yaml says of files holds.
func TestOpenAPIFiles(t *testing.T) {
	s := newShelf(t)
	schema := schemas(t)
	is := func(name string, w *httptest.ResponseRecorder) map[string]any {
		t.Helper()
		if err := schema(name).Validate(parse(t, w.Body.String())); err != nil {
			t.Errorf("%v in %s", err, w.Body)
		}
		return fieldsOf(t, w, 200)
	}
	f := is("File", s.send(t, "/v1/files", "file", "x", "x", "purpose", "batch", "expires_after[anchor]", "created_at", "expires_after[seconds]", "3600"))
	is("FileList", do(s, "GET", "/v1/files", ""))
	is("Deletion", do(s, "DELETE", "/v1/files/"+f["id"].(string), ""))
	is("FileList", do(s, "GET", "/v1/files", ""))
	u := is("Upload", do(s, "POST", "/v1/uploads", `{"bytes":1,"filename":"a","mime_type":"x","purpose":"batch"}`))
	p := is("UploadPart", s.send(t, "/v1/uploads/"+u["id"].(string)+"/parts", "data", "blob", "x"))
	is("Upload", do(s, "POST", "/v1/uploads/"+u["id"].(string)+"/complete", fmt.Sprintf(`{"part_ids":[%q]}`, p["id"])))
}

// The content of a file that was taken from the disk behind graft's back is a 404.
func TestFileWithoutContent(t *testing.T) {
	s := newShelf(t)
	id := fieldsOf(t, s.send(t, "/v1/files", "file", "x", "x", "purpose", "batch"), 200)["id"].(string)
	if err := os.RemoveAll(filepath.Join(s.dir, "files")); err != nil {
		t.Fatal(err)
	}
	wantError(t, do(s, "GET", "/v1/files/"+id+"/content", ""), 404, invalidRequest, "id", "file_not_found")
}
