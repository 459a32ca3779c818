package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestKeys(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	now := time.Now()
	s.now = func() time.Time { return now }
	k, secret, err := s.CreateKey(ctx, "laptop", User)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "sk-graft-") || len(secret) < 50 || !strings.HasPrefix(secret, k.Hint) {
		t.Fatalf("secret %q, hint %q", secret, k.Hint)
	}
	if _, _, err := s.CreateKey(ctx, "laptop", User); !errors.Is(err, ErrExists) {
		t.Fatalf("second of a name: %v", err)
	}
	got, err := s.Authenticate(ctx, secret)
	if err != nil || got.ID != k.ID || got.Role != User {
		t.Fatalf("%+v %v", got, err)
	}
	for _, wrong := range []string{"", "sk-graft-", secret + "x", secret[:len(secret)-1], "sk-" + secret, hash(secret)} {
		if _, err := s.Authenticate(ctx, wrong); !errors.Is(err, ErrNotFound) {
			t.Errorf("secret %q: %v", wrong, err)
		}
	}
	if keys, err := s.Keys(ctx); err != nil || len(keys) != 1 || !keys[0].LastUsed.Equal(now.Truncate(time.Millisecond)) {
		t.Fatalf("%+v %v", keys, err)
	}

	other := open(t, dir) // as `graft keys revoke` beside the server
	if _, err := other.RevokeKey(ctx, "laptop"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(ctx, secret); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a revoked key: %v", err)
	}
	if _, err := other.RevokeKey(ctx, "laptop"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("revoked twice: %v", err)
	}
	if n, err := s.CountKeys(ctx); n != 0 || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	if _, _, err := s.CreateKey(ctx, "laptop", Admin); err != nil {
		t.Fatalf("the name of a revoked key: %v", err)
	}
}

// TestSecretsAreNotStored looks for the secret in every file of the store.
func TestSecretsAreNotStored(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	_, secret, err := s.CreateKey(context.Background(), "k", User)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "graft.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	files, bytesRead := 0, 0
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if data, err := os.ReadFile(path); err == nil {
			files, bytesRead = files+1, bytesRead+len(data)
			if bytes.Contains(data, []byte(secret[len("sk-graft-")+4:])) {
				t.Errorf("%s holds the secret", path)
			}
		}
		return nil
	})
	if files < 2 || bytesRead < 1000 {
		t.Fatalf("looked at %d files, %d bytes", files, bytesRead)
	}
}

func TestResponses(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	s.MaxResponses, s.MaxResponseBytes = 3, 100
	put := func(id, owner string, age int, body string) error {
		return s.PutResponse(ctx, Response{ID: id, Owner: owner, Created: time.UnixMilli(int64(1000 - age)), Body: json.RawMessage(body)})
	}
	for i := range 5 {
		if err := put(fmt.Sprint("r", i), "", 10-i, `{"a":1}`); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []error{ErrNotFound, ErrNotFound, nil, nil, nil} {
		if r, err := s.Response(ctx, "", fmt.Sprint("r", i)); !errors.Is(err, want) || err == nil && string(r.Body) != `{"a":1}` {
			t.Errorf("r%d: %s %v, want %v", i, r.Body, err, want)
		}
	}
	if err := put("big", "", 0, `"`+strings.Repeat("x", 90)+`"`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Response(ctx, "", "r4"); err == nil { // 92 of 100 bytes: r4's 7 fit beside it
		if _, err := s.Response(ctx, "", "r3"); !errors.Is(err, ErrNotFound) {
			t.Errorf("more bytes are kept than allowed: %v", err)
		}
	} else {
		t.Errorf("r4 was deleted without need: %v", err)
	}
	if err := put("huge", "", 0, `"`+strings.Repeat("x", 100)+`"`); err == nil {
		t.Error("a body above the bound was stored")
	}
	if err := put("bad", "", 0, `{`); err == nil {
		t.Error("broken JSON was stored")
	}
}

func TestResponsesBelongToTheirOwner(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	if err := s.PutResponse(ctx, Response{ID: "r", Owner: "key-a", Created: time.Now(), Body: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Response(ctx, "key-b", "r"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another key reads it: %v", err)
	}
	if err := s.DeleteResponse(ctx, "key-b", "r"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another key deletes it: %v", err)
	}
	if err := s.DeleteResponse(ctx, "key-a", "r"); err != nil {
		t.Error(err)
	}
	if err := s.DeleteResponse(ctx, "key-a", "r"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestMetaSurvives(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	if _, err := s.Meta(ctx, "a"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	s.SetMeta(ctx, "a", "1")
	if err := s.SetMeta(ctx, "a", "2"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if v, err := open(t, dir).Meta(ctx, "a"); v != "2" || err != nil {
		t.Fatalf("%q %v", v, err)
	}
}

func TestBlobs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	digest, size, err := s.PutBlob(strings.NewReader("abc"))
	if err != nil || size != 3 || digest != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" { // FIPS 180-2, appendix B.1
		t.Fatalf("%s %d %v", digest, size, err)
	}
	if again, _, err := s.PutBlob(strings.NewReader("abc")); err != nil || again != digest {
		t.Fatalf("%s %v", again, err)
	}
	f, err := s.OpenBlob(digest)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(f); string(data) != "abc" || err != nil {
		t.Fatalf("%q %v", data, err)
	}
	f.Close()
	broken := io.MultiReader(strings.NewReader("abcd"), errReader{})
	if _, _, err := s.PutBlob(broken); err == nil {
		t.Fatal("a broken upload was stored")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "blobs", "new-*")); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
	if err := s.DeleteBlob(digest); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBlob(digest); !errors.Is(err, ErrNotFound) {
		t.Fatalf("%v", err)
	}
	if _, err := s.OpenBlob("../../etc/passwd"); err == nil || errors.Is(err, ErrNotFound) {
		t.Fatalf("%v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("lost") }

// TestManyWriters: two processes' worth of connections write at once, and none
// meets a locked database.
func TestManyWriters(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	a, b := open(t, dir), open(t, dir)
	var wg sync.WaitGroup
	for i := range 8 {
		s := []*Store{a, b}[i%2]
		wg.Go(func() {
			for j := range 20 {
				if err := s.PutResponse(ctx, Response{ID: fmt.Sprint(i, "-", j), Created: time.Now(), Body: json.RawMessage(`{}`)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var n int
	if err := a.db.QueryRow(`SELECT COUNT(*) FROM responses`).Scan(&n); err != nil || n != 160 {
		t.Fatalf("%d %v", n, err)
	}
}

// TestNewerStore: an old program must not write into tables it does not know.
func TestNewerStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(context.Background(), dir); err == nil || !strings.Contains(err.Error(), "newer graft") {
		t.Fatalf("%v", err)
	}
}

func TestDurabilitySettings(t *testing.T) {
	s := open(t, t.TempDir())
	var journal string
	var sync int
	if err := s.db.QueryRow(`PRAGMA journal_mode`).Scan(&journal); err != nil {
		t.Fatal(err)
	}
	if err := s.db.QueryRow(`PRAGMA synchronous`).Scan(&sync); err != nil {
		t.Fatal(err)
	}
	if journal != "wal" || sync != 2 {
		t.Fatalf("journal %s, synchronous %d", journal, sync)
	}
}
