package native

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// engineVersion changes when the engine's numbers do.
const engineVersion = 1

// fingerprint is the identity of what decides an answer: the weights, and how
// they are computed with. Weights of unknown digest are read once, beside the
// first answers.
type fingerprint struct {
	done   chan struct{}
	text   string // readable once done is closed
	cancel context.CancelFunc
}

func newFingerprint(path, digest string, parts ...string) *fingerprint {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fingerprint{done: make(chan struct{}), cancel: cancel}
	finish := func(weights string) {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", engineVersion, weights, strings.Join(parts, " ")))
		f.text = "fp_" + hex.EncodeToString(sum[:8])
		close(f.done)
	}
	if digest != "" {
		finish(digest)
		return f
	}
	go func() {
		weights, err := digestOf(ctx, path)
		if err != nil {
			weights = path // stopped, or gone since it was loaded: the path is all that is known
		}
		finish(weights)
	}()
	return f
}

// wait returns the fingerprint once it is known.
func (f *fingerprint) wait() string {
	<-f.done
	return f.text
}

// with is the fingerprint of answers by a set of adapters and another chat
// template than the model's, "" for none.
func (f *fingerprint) with(set adapterSet, template string) string {
	text := f.wait()
	if set == nil && template == "" {
		return text
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s %s", text, len(set), set.key(), template))
	return "fp_" + hex.EncodeToString(sum[:8])
}

// stop ends the reading.
func (f *fingerprint) stop() {
	f.cancel()
	<-f.done
}

// whileRunning reads until ctx ends.
type whileRunning struct {
	io.Reader
	ctx context.Context
}

func (r whileRunning) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// digestOf is the sha256 of a file, or of the weights files of a folder or of a
// file in parts, in the order of their names.
func digestOf(ctx context.Context, path string) (string, error) {
	files := []string{path}
	pattern := ""
	if info, err := os.Stat(path); err != nil {
		return "", err
	} else if info.IsDir() {
		pattern = filepath.Join(path, "*.safetensors")
	} else if head, tail, ok := strings.Cut(path, "-00001-of-"); ok {
		pattern = head + "-[0-9]*-of-" + tail
	}
	if pattern != "" {
		var err error
		if files, err = filepath.Glob(pattern); err != nil {
			return "", err
		}
		slices.Sort(files)
	}
	h := sha256.New()
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, whileRunning{f, ctx})
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
