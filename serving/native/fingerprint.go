package native

import (
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
	done chan struct{}
	text string
}

func newFingerprint(path, digest string, parts ...string) *fingerprint {
	f := &fingerprint{done: make(chan struct{})}
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
		weights, err := digestOf(path)
		if err != nil {
			weights = path // gone since it was loaded: the path is all that is known
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

// digestOf is the sha256 of a file, or of the weights files of a folder or of a
// file in parts, in the order of their names.
func digestOf(path string) (string, error) {
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
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
