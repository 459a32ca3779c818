package api

import (
	"bytes"
	"fmt"
	"testing"
)

// FuzzFileForm: no form breaks the server, and only one that is accepted leaves
// something behind.
func FuzzFileForm(f *testing.F) {
	part := func(head, body string) string {
		return "--x\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
	}
	file := part(`name="file"; filename="a\\b.jsonl"`, "{}")
	for _, seed := range []string{
		"", "--x--", file, file + part(`name="purpose"`, "batch") + "--x--\r\n", part(`name="purpose"`, "batch") + file + "--x--\r\n",
		file + file + "--x--\r\n", part(`name="file"; filename*=utf-8''%00%ff`, "") + part(`name="purpose"`, "batch") + "--x--",
		file + part(`name="purpose"`, "batch") + part(`name="expires_after[seconds]"`, "99999999999999999999") + part(`name="expires_after[anchor]"`, "created_at") + "--x--",
	} {
		f.Add([]byte(seed))
	}
	s := newShelf(f, func(d *Deps) { d.Options.MaxFile = 100 })
	f.Fuzz(func(t *testing.T, body []byte) {
		w := sendAs(s, "/v1/files", "multipart/form-data; boundary=x", bytes.NewReader(body))
		switch {
		case w.Code == 200:
			id := fieldsOf(t, w, 200)["id"]
			if got := fieldsOf(t, do(s, "GET", fmt.Sprintf("/v1/files/%s", id), ""), 200); got["bytes"].(float64) > 100 {
				t.Errorf("a file beyond the bound: %v", got)
			}
			do(s, "GET", fmt.Sprintf("/v1/files/%s/content", id), "")
			fieldsOf(t, do(s, "DELETE", fmt.Sprintf("/v1/files/%s", id), ""), 200)
		case w.Code >= 500:
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if n := s.contents(t); n != 0 {
			t.Errorf("%d contents are left", n)
		}
	})
}
