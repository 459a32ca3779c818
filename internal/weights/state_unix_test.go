//go:build unix

package weights

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestState: whatever is done to one of the files shows, also when its size and the
// time of its contents are as before.
func TestState(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	state := func() State {
		t.Helper()
		s, err := StateOf([]string{a, b})
		if err != nil || s.Text == "" {
			t.Fatalf("%+v, %v", s, err)
		}
		return s
	}
	old := time.Now().Add(-time.Hour)
	for _, f := range []string{a, b} {
		write(f, "one")
		if err := os.Chtimes(f, old, old); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(){
		"written in place": func() { write(b, "two") },
		"replaced": func() {
			write(b+"2", "two")
			if err := os.Rename(b+"2", b); err != nil {
				t.Fatal(err)
			}
		},
	} {
		before := state()
		if again := state(); again != before {
			t.Errorf("%s: %v and %v of the same files", name, before, again)
		}
		// A clock that counts in steps must have moved on, which is what Settled is for.
		for end := time.Now().Add(coarse); time.Now().Before(end); time.Sleep(time.Millisecond) {
			write(filepath.Join(dir, "clock"), "")
			if s, err := stateOf(filepath.Join(dir, "clock")); err == nil && s.Changed.After(before.Changed) {
				break
			}
		}
		change()
		if err := os.Chtimes(b, old, old); err != nil {
			t.Fatal(err)
		}
		if after := state(); after.Text == before.Text {
			t.Errorf("%s: still %v", name, after)
		}
	}
	if s := state(); s.Settled(s.Changed.Add(coarse)) || !s.Settled(s.Changed.Add(coarse+time.Second)) || s.Settled(s.Changed.Add(-time.Hour)) {
		t.Errorf("%v settles at the wrong time", s)
	}
	if _, err := StateOf([]string{a, filepath.Join(dir, "none")}); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}
