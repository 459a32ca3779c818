package store

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	abc  = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // sha256 of "abc", FIPS 180-2
	none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of nothing
)

func TestBlobsOfADigest(t *testing.T) {
	b := OpenBlobs(t.TempDir() + "/new")
	if err := b.PutAs(abc, strings.NewReader("abd")); !errors.Is(err, ErrDigest) {
		t.Errorf("another content: %v", err)
	}
	if _, err := b.Open(abc); !errors.Is(err, ErrNotFound) {
		t.Errorf("it is there all the same: %v", err)
	}
	for _, name := range []string{"", "ABC", "../" + abc[3:], strings.ToUpper(abc)} {
		if err := b.PutAs(name, strings.NewReader("abc")); err == nil {
			t.Errorf("%q is taken for a digest", name)
		}
	}
	for digest, text := range map[string]string{abc: "abc", none: ""} {
		if err := b.PutAs(digest, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	old, err := b.Path(none)
	if err == nil {
		err = os.Chtimes(old, time.Time{}, time.Now().Add(-2*time.Hour))
	}
	if err == nil {
		err = b.Prune(time.Now().Add(-time.Hour))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(none); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old one is still there: %v", err)
	}
	f, err := b.Open(abc)
	if err != nil {
		t.Fatalf("the new one is gone: %v", err)
	}
	f.Close()
}
