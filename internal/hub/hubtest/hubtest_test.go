package hubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"testing"

	"graft/internal/hub"
)

// TestDefaultModel fetches the default model as a user would and compares the
// file with the sha256 of the catalog.
func TestDefaultModel(t *testing.T) {
	path := Model(t, hub.Default)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	want := "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Fatalf("%s: sha256 %s, want %s", path, got, want)
	}
}
