package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func stage(t *testing.T, s *Store, text string) *Content {
	t.Helper()
	c, err := s.StageFile(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Discard)
	return c
}

func (s *Store) contentsOf(t *testing.T) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(s.files.dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Files and uploads are gone when their time is over, contents and all.
func TestFilesExpire(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	now := time.Unix(1_800_000_000, 0)
	s.now = func() time.Time { return now }
	for id, lives := range map[string]time.Duration{"short": time.Hour, "long": 0} {
		f := File{ID: id, Name: id, Purpose: "batch", Created: now}
		if lives > 0 {
			f.Expires = now.Add(lives)
		}
		if _, err := s.PutFile(ctx, f, stage(t, s, id)); err != nil {
			t.Fatal(err)
		}
	}
	u := Upload{ID: "u", Name: "n", Purpose: "batch", Bytes: 3, Status: UploadPending, Created: now, Expires: now.Add(time.Hour)}
	if err := s.PutUpload(ctx, u); err != nil {
		t.Fatal(err)
	}
	if err := s.PutPart(ctx, Part{ID: "p", Upload: "u", Created: now}, stage(t, s, "part")); err != nil {
		t.Fatal(err)
	}
	if n := s.contentsOf(t); n != 3 {
		t.Fatalf("%d contents, want 3", n)
	}
	now = now.Add(time.Hour)
	if _, err := s.File(ctx, "short"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an expired file: %v", err)
	}
	if list, _, err := s.Files(ctx, FileFilter{Everybody: true, Limit: 10}); err != nil || len(list) != 1 || list[0].ID != "long" {
		t.Errorf("listed %v, %v", list, err)
	}
	if got, err := s.Upload(ctx, "u"); err != nil || got.Status != UploadExpired {
		t.Errorf("upload %v, %v", got, err)
	}
	if err := s.PutPart(ctx, Part{ID: "q", Upload: "u"}, stage(t, s, "late")); !errors.Is(err, ErrEnded) {
		t.Errorf("a part of an expired upload: %v", err)
	}
	if err := s.SweepFiles(ctx); err != nil {
		t.Fatal(err)
	}
	if n := s.contentsOf(t); n != 1 {
		t.Errorf("%d contents are left, want 1", n)
	}
	now = now.Add(uploadAge)
	if err := s.SweepFiles(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Upload(ctx, "u"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an old upload: %v", err)
	}
}

// What a killed process leaves behind goes at the next start, and nothing else.
func TestFilesMended(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	if _, err := s.PutFile(ctx, File{ID: "f", Created: time.Now()}, stage(t, s, "kept")); err != nil {
		t.Fatal(err)
	}
	if err := stage(t, s, "named, but never noted").publish(); err != nil {
		t.Fatal(err)
	}
	old, young := stage(t, s, "x"), stage(t, s, "y")
	if err := os.Chtimes(old.path, time.Time{}, time.Now().Add(-2*stageAge)); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(s.files.dir, "ab", "notes")
	if err := os.MkdirAll(filepath.Dir(other), 0o700); err == nil {
		err = os.WriteFile(other, nil, 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, dir).MendFiles(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old.path); err == nil {
		t.Error("an old half-written content is still there")
	}
	if _, err := os.Stat(young.path); err != nil {
		t.Error("a content that is being written is gone")
	}
	if n := s.contentsOf(t); n != 2 { // the file's and the note, which is not ours
		t.Errorf("%d contents are left, want 2", n)
	}
	f, err := s.File(ctx, "f")
	if err == nil {
		var r *os.File
		if r, err = s.OpenFile(f); err == nil {
			r.Close()
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// A file is replaced whole, keeps its owner, and its old content goes.
func TestFileReplaced(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	f := File{ID: "f", Name: "a", Owner: "key", Created: time.Now()}
	for _, text := range []string{"first", "second", "second"} {
		var err error
		if f, err = s.PutFile(ctx, f, stage(t, s, text)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.File(ctx, "f")
	if err != nil || got.Bytes != 6 || got.Owner != "key" {
		t.Errorf("%+v %v", got, err)
	}
	if n := s.contentsOf(t); n != 1 {
		t.Errorf("%d contents are left, want 1", n)
	}
	s.MaxFileBytes = 10
	if _, err := s.PutFile(ctx, File{ID: "g"}, stage(t, s, "12345")); !errors.Is(err, ErrFull) {
		t.Errorf("beyond the bound: %v", err)
	}
	if n := s.contentsOf(t); n != 1 {
		t.Errorf("%d contents are left, want 1", n)
	}
	if _, err := s.PutResult(ctx, File{ID: "r"}, stage(t, s, "12345")); err != nil {
		t.Errorf("a result, beyond the bound: %v", err)
	}
}
