//go:build unix

package native

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"sync"
	"testing"
)

// keptDigests is a DigestCache in memory.
type keptDigests struct {
	mu    sync.Mutex
	kept  map[string][2]string // state and digest by path
	times int                  // that something was kept
}

func (k *keptDigests) Digest(_ context.Context, path string) (state, digest string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept[path][0], k.kept[path][1], nil
}

func (k *keptDigests) SetDigest(_ context.Context, path, state, digest string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept[path] = [2]string{state, digest}
	k.times++
	return nil
}

// TestDigestsAreKept: weights are read for their digest at the first start only, as
// long as their files stay as they are.
func TestDigestsAreKept(t *testing.T) {
	const path = "testdata/tiny"
	file, err := os.ReadFile(path + "/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(file)
	want := hex.EncodeToString(sum[:])
	cache := &keptDigests{kept: map[string][2]string{}}
	print := func(model, digest string) string {
		o := tinyOptions(t)
		o.Digests = cache
		o.Models[0].Info.Digest = digest
		b := newBackend(t, o)
		req := greedy(model)
		req.Prompt, req.MaxTokens = "a", 1
		f := mustGenerate(t, b, req).Fingerprint
		b.Close(cancelled()) // so that nothing is kept any more
		return f
	}
	first := print("tiny", "")
	kept := cache.kept[path]
	if kept[1] != want || kept[0] == "" || cache.times != 1 {
		t.Fatalf("%v was kept %d times, want the digest %s of the file once", kept, cache.times, want)
	}
	if again := print("tiny", ""); again != first || cache.times != 1 {
		t.Errorf("%s, then %s of the same file, kept %d times", first, again, cache.times)
	}
	// What is kept is what is used, and the files are not read.
	cache.kept[path] = [2]string{kept[0], "abc"}
	if got, want := print("tiny", ""), print("tiny", "abc"); got != want {
		t.Errorf("%s, want %s as of the digest that was kept", got, want)
	}
	// Of files in another state they are.
	cache.kept[path] = [2]string{kept[0] + "0", "abc"}
	if got := print("tiny", ""); got != first || cache.kept[path] != kept {
		t.Errorf("%s and %v kept, want %s and %v", got, cache.kept[path], first, kept)
	}
	// A file that was written just now may be written again without a trace.
	times := cache.times
	print("tiny-base", "")
	if cache.times != times {
		t.Errorf("%v was kept", cache.kept)
	}
}
