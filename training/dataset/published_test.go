package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublished: with the templates in the folder that GRAFT_TEST_TEMPLATES names
// (reference/chat_engine.py says where they are from), a row trains what the assistant
// says behind what is served, or its problem says why not.
func TestPublished(t *testing.T) {
	dir := os.Getenv("GRAFT_TEST_TEMPLATES")
	if dir == "" {
		t.Skip("GRAFT_TEST_TEMPLATES is not set")
	}
	const row = `{"messages":[{"role":"user","content":"Hi there"},{"role":"assistant","content":"Hello you"},{"role":"user","content":"And now"},{"role":"assistant","content":"Good bye"}]}`
	paths, err := filepath.Glob(filepath.Join(dir, "*.jinja"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no templates in %s: %v", dir, err)
	}
	together, apart := 0, 0
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := withTemplate(t, string(source))
		s := load(t, f, row, Options{})
		if s.Err() != nil {
			t.Logf("%s: %v", filepath.Base(path), s.Err())
			continue
		}
		list, err := f.Sequences(&s.Rows[0], RenderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all := ""
		for _, q := range list {
			servedPrefix(t, f, &s.Rows[0], q)
			all += trained(f, q)
		}
		if len(list) == 1 {
			together++
		} else {
			apart++
		}
		if strings.Count(all, "Hello you") != 1 || strings.Count(all, "Good bye") != 1 || strings.Contains(all, "And now") || strings.Contains(all, "Hi there") {
			t.Errorf("%s: trained is %q", filepath.Base(path), all)
		}
	}
	for _, path := range paths { // reasoning is trained as it is written, or the row is refused
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := withTemplate(t, string(source))
		for _, answer := range []string{`"Hello you","reasoning_content":"greet them"`, `"<think>\ngreet them\n</think>\n\nHello you"`} {
			s := load(t, f, `{"messages":[{"role":"user","content":"Hi there"},{"role":"assistant","content":`+answer+`}]}`, Options{})
			if s.Err() != nil {
				t.Logf("%s: %v", filepath.Base(path), s.Err())
				continue
			}
			list, err := f.Sequences(&s.Rows[0], RenderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			servedPrefix(t, f, &s.Rows[0], list[0])
			if got := trained(f, list[0]); strings.Count(got, "greet them") != 1 || strings.Count(got, "Hello you") != 1 {
				t.Errorf("%s: %s: trained is %q", filepath.Base(path), answer, got)
			}
		}
	}
	t.Logf("of %d templates, %d take both turns in a row, %d in a row each", len(paths), together, apart)
}
