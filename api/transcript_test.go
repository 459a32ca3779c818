package api

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts in testdata anew")

// TestTranscripts replays testdata/transcripts: requests, each a line with method
// and path and then a body, and after "----" the response: status, content
// type and body as they leave. Several exchanges share a server if divided by "====".
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			old, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			h, _ := newTest(t)
			var now strings.Builder
			for i, exchange := range strings.Split(string(old), "====\n") {
				ask, _, _ := strings.Cut(exchange, "----\n")
				line, body, _ := strings.Cut(ask, "\n")
				method, path, _ := strings.Cut(line, " ")
				w := do(h, method, path, body)
				if i > 0 {
					now.WriteString("====\n")
				}
				now.WriteString(ask + "----\n" + rendered(w))
			}
			if *rewrite {
				if err := os.WriteFile(name, []byte(now.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(old), now.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func rendered(w *httptest.ResponseRecorder) string {
	res := w.Result()
	body := durations.ReplaceAllString(w.Body.String(), `"$1":1`)
	return res.Status + "\n" + res.Header.Get("Content-Type") + "\n\n" + strings.TrimSuffix(body, "\n") + "\n"
}

// durations differ from run to run.
var durations = regexp.MustCompile(`"([a-z_]+_duration)":[0-9]+`)
