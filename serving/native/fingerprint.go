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
	"time"

	"graft/internal/weights"
)

// engineVersion changes when the engine's numbers do.
const engineVersion = 1

// DigestCache keeps digests of weights from one start to the next, each with the
// state of the files that it is of.
type DigestCache interface {
	// Digest returns what was kept for path, "" for nothing.
	Digest(ctx context.Context, path string) (state, digest string, err error)
	SetDigest(ctx context.Context, path, state, digest string) error
}

// fingerprint is the identity of what decides an answer: the weights, and how
// they are computed with. Weights of unknown digest are read once, beside the
// first answers.
type fingerprint struct {
	done   chan struct{}
	text   string // readable once done is closed
	cancel context.CancelFunc
	ended  chan struct{} // closed when nothing goes on in the background
}

func newFingerprint(path, digest string, cache DigestCache, parts ...string) *fingerprint {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fingerprint{done: make(chan struct{}), cancel: cancel, ended: make(chan struct{})}
	finish := func(weights string) {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", engineVersion, weights, strings.Join(parts, " ")))
		f.text = "fp_" + hex.EncodeToString(sum[:8])
		close(f.done)
	}
	if digest == "" {
		digest = keptDigest(ctx, cache, path)
	}
	if digest != "" {
		finish(digest)
		close(f.ended)
		return f
	}
	go func() {
		defer close(f.ended)
		weights, keep, err := digestOf(ctx, path)
		if err != nil {
			weights = path // stopped, or gone since it was loaded: the path is all that is known
		}
		finish(weights)
		if err == nil && keep != "" && cache != nil {
			// Also when the model is going: it is one short write. Without it the next start reads again.
			_ = cache.SetDigest(context.WithoutCancel(ctx), path, keep, weights)
		}
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
	<-f.ended
}

// keptDigest is the digest that an earlier start read, if the files are as they were
// then; else "".
func keptDigest(ctx context.Context, cache DigestCache, path string) string {
	if cache == nil {
		return ""
	}
	state, digest, err := cache.Digest(ctx, path)
	if err != nil || digest == "" {
		return ""
	}
	files, err := weightFiles(path)
	if err != nil {
		return ""
	}
	if now, err := weights.StateOf(files); err != nil || now.Text == "" || now.Text != state {
		return ""
	}
	return digest
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

// weightFiles are a file, or the weights files of a folder or of a file in parts, in
// the order of their names.
func weightFiles(path string) ([]string, error) {
	pattern := ""
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.IsDir() {
		pattern = filepath.Join(path, "*.safetensors")
	} else if head, tail, ok := strings.Cut(path, "-00001-of-"); ok {
		pattern = head + "-[0-9]*-of-" + tail
	}
	if pattern == "" {
		return []string{path}, nil
	}
	files, err := filepath.Glob(pattern)
	slices.Sort(files)
	return files, err
}

// digestOf is the sha256 of the weights at path, and their state, "" if they were not
// long enough the same for it to tell them from others.
func digestOf(ctx context.Context, path string) (digest, state string, err error) {
	files, err := weightFiles(path)
	if err != nil {
		return "", "", err
	}
	before, err := weights.StateOf(files)
	if err != nil {
		return "", "", err
	}
	settled := before.Settled(time.Now())
	h := sha256.New()
	for _, file := range files {
		if err := readInto(ctx, h, file); err != nil {
			return "", "", err
		}
	}
	if after, err := weights.StateOf(files); err != nil || !settled || after != before {
		before.Text = ""
	}
	return hex.EncodeToString(h.Sum(nil)), before.Text, nil
}

func readInto(ctx context.Context, w io.Writer, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, whileRunning{f, ctx})
	return err
}
