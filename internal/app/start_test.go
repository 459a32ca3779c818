package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"graft/internal/hub"
	"graft/internal/hub/hubtest"
	"graft/internal/store"
)

// TestStoppedAtOnce: a server may be told to end at any moment of its first seconds,
// in which it still prepares things that read the mapped weights.
func TestStoppedAtOnce(t *testing.T) {
	c := testConfig(t)
	c.Models = []string{"chat=" + hubtest.Model(t, hub.Default)}
	for range 3 {
		_, stop := startWith(t, c)
		stop()
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // while the model loads
	if err := a.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestDigestKept: weights from a path are read for their digest at the first start
// only: the next finds it in the store.
func TestDigestKept(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the state of files is not known there")
	}
	path := hubtest.Model(t, hub.Default)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(file)
	c := testConfig(t)
	c.Models = []string{"chat=" + path}
	a, stop := startWith(t, c)
	resp, err := http.Post(a.URL()+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"chat","max_tokens":1,"messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %s", resp.StatusCode, err, answer.String())
	}
	resp.Body.Close()
	stop()
	s, err := store.Open(t.Context(), c.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if state, digest, err := (digests{s}).Digest(t.Context(), path); err != nil || state == "" || digest != hex.EncodeToString(sum[:]) {
		t.Errorf("%q %s %v was kept, the file has %x", state, digest, err, sum)
	}
}
