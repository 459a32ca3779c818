package weights_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"graft/internal/hub/hubtest"
	"graft/internal/weights"
)

// TestSmolLM2 reads a real model as the Python package gguf 0.19.0 does: tensors,
// their bytes and the vocabulary have the digests that it gives.
func TestSmolLM2(t *testing.T) {
	path := hubtest.Model(t, "smollm2-135m-instruct")
	g, err := weights.OpenGGUF(path)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	tensors := sha256.New()
	for _, name := range g.Names() {
		x, _ := g.Tensor(name)
		sum := sha256.Sum256(x.Data)
		shape := strings.ReplaceAll(fmt.Sprint(x.Shape), " ", ", ")
		fmt.Fprintf(tensors, "%s %s %s %s\n", name, x.DType, shape, hex.EncodeToString(sum[:8]))
	}
	if have, want := hex.EncodeToString(tensors.Sum(nil)), "67c602fa757fcd6f0986b3de99b0c60b4444bd4c0326e291f08ad11e9dbfdf82"; have != want {
		t.Errorf("%d tensors have digest %s, want %s", g.Len(), have, want)
	}
	words, _ := g.Meta.Strings("tokenizer.ggml.tokens")
	sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
	if have, want := hex.EncodeToString(sum[:]), "d1f2ce856b324081b621d9e2e8dbd22879f462329f3fd4aa39fa758dddb2ce55"; have != want {
		t.Errorf("%d tokens have digest %s, want %s", len(words), have, want)
	}
	if n := len(g.Meta.Keys()); n != 33 {
		t.Errorf("%d metadata keys, want 33", n)
	}

	best := time.Hour
	for range 5 {
		start := time.Now()
		g, err := weights.OpenGGUF(path)
		if err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
		g.Close()
	}
	t.Logf("opening takes %v", best)
	if best > 100*time.Millisecond {
		t.Errorf("opening takes %v: the headers are a few milliseconds of work", best)
	}
}
