package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"graft/internal/config"
	"graft/internal/store"
)

// TestTuningOwner: what a key's job has made is there for that key and for admins, and
// for another key once it is permitted.
func TestTuningOwner(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := testConfig(t)
	c.Models = []string{"tiny=../../serving/native/testdata/tiny"}
	c.Auth.Required = config.On
	s, err := store.Open(ctx, c.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	secrets := map[string]string{}
	for name, role := range map[string]store.Role{"maker": store.User, "other": store.User, "root": store.Admin} {
		if _, secrets[name], err = s.CreateKey(ctx, name, role); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := startWith(t, c)
	ask := func(key, method, path, kind string, body io.Reader) (int, map[string]any) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, a.URL()+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+secrets[key])
		r.Header.Set("Content-Type", kind)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var out map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		return resp.StatusCode, out
	}
	post := func(key, path, body string) (int, map[string]any) {
		t.Helper()
		return ask(key, "POST", path, "application/json", strings.NewReader(body))
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("purpose", "fine-tune")
	part, err := w.CreateFormFile("file", "rows.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		fmt.Fprintf(part, `{"messages":[{"role":"user","content":"Say %d."},{"role":"assistant","content":"It is %d."}]}`+"\n", i, 7*i)
	}
	w.Close()
	status, file := ask("maker", "POST", "/v1/files", w.FormDataContentType(), &form)
	if status != 200 {
		t.Fatalf("%d %v", status, file)
	}
	status, job := post("maker", "/v1/fine_tuning/jobs", fmt.Sprintf(`{"model":"tiny","training_file":%q,"method":{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":1,"batch_size":6}}}}`, file["id"]))
	if status != 200 {
		t.Fatalf("%d %v", status, job)
	}
	for job["status"] != "succeeded" {
		if job["status"] == "failed" {
			t.Fatalf("%v", job)
		}
		time.Sleep(20 * time.Millisecond)
		_, job = ask("maker", "GET", "/v1/fine_tuning/jobs/"+job["id"].(string), "", nil)
	}
	name := job["fine_tuned_model"].(string)
	e, err := a.adapters.Get(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := a.adapters.Open(ctx, e.Generation)
	if err != nil || !strings.Contains(stored.Card, job["id"].(string)) {
		t.Errorf("card %q: %v", stored.Card, err)
	}
	if l := e.Lineage; l.Job != job["id"] || l.Config == "" || l.Template == "" || l.Dataset == "" || l.Metrics["neutral_bits_per_byte"] == 0 || l.Metrics["step"] != 2 {
		t.Errorf("lineage %+v", l)
	}
	for _, model := range []string{name, name + ":ckpt-step-2"} {
		may := func(key string, want bool) {
			t.Helper()
			_, list := ask(key, "GET", "/v1/models", "", nil)
			listed := false
			for _, m := range list["data"].([]any) {
				listed = listed || m.(map[string]any)["id"] == model
			}
			status, answer := post(key, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,"max_tokens":1,"messages":[{"role":"user","content":"Say 1."}]}`, model))
			if listed != want || (status == 200) != want || !want && status != 404 {
				t.Errorf("%s of %s: listed %v, status %d, want %v: %v", key, model, listed, status, want, answer)
			}
		}
		may("maker", true)
		may("root", true)
		may("other", false)
		if status, out := post("root", "/v1/fine_tuning/checkpoints/"+url.PathEscape(model)+"/permissions", `{"project_ids":["other"]}`); status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		may("maker", true)
		may("other", true)
	}
}
