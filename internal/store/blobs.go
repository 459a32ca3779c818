package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

var digestPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ErrDigest is a content that is not what it was said to be.
var ErrDigest = errors.New("the content has another digest")

// Blobs are contents by their sha256, in a directory.
type Blobs struct{ dir string }

// OpenBlobs is a directory of blobs, which is made when it is needed.
func OpenBlobs(dir string) *Blobs { return &Blobs{dir} }

// Put stores everything that r gives and returns its sha256 in hex, and its
// length. The blob has its name only when it is whole and on the disk.
func (b *Blobs) Put(r io.Reader) (digest string, size int64, err error) { return b.put(r, "") }

// PutAs stores what r gives under the sha256 that it has to have. Errors: ErrDigest.
func (b *Blobs) PutAs(digest string, r io.Reader) error {
	if _, err := b.Path(digest); err != nil {
		return err
	}
	_, _, err := b.put(r, digest)
	return err
}

func (b *Blobs) put(r io.Reader, want string) (digest string, size int64, err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return "", 0, err
	}
	tmp, err := os.CreateTemp(b.dir, "new-*")
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	defer tmp.Close()
	h := sha256.New()
	if size, err = io.Copy(io.MultiWriter(tmp, h), r); err != nil {
		return "", 0, err
	}
	if digest = hex.EncodeToString(h.Sum(nil)); want != "" && digest != want {
		return "", 0, fmt.Errorf("%w: expected %s, got %s", ErrDigest, want, digest)
	}
	if err := tmp.Sync(); err != nil {
		return "", 0, err
	}
	path, err := b.Path(digest)
	if err != nil {
		return "", 0, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", 0, err
	}
	return digest, size, errors.Join(tmp.Close(), os.Rename(tmp.Name(), path), syncDir(filepath.Dir(path)))
}

// Path is where a blob of that sha256 is, or would be.
func (b *Blobs) Path(digest string) (string, error) {
	if !digestPattern.MatchString(digest) {
		return "", fmt.Errorf("blob %q: not a sha256 in hex", digest)
	}
	return filepath.Join(b.dir, digest[:2], digest), nil
}

// Open opens a blob. Errors: ErrNotFound.
func (b *Blobs) Open(digest string) (*os.File, error) {
	path, err := b.Path(digest)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", digest, ErrNotFound)
	}
	return f, err
}

// Delete deletes a blob; one that is not there is no error.
func (b *Blobs) Delete(digest string) error {
	path, err := b.Path(digest)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Prune deletes the blobs that were stored before a time, and what was left
// half-written then.
func (b *Blobs) Prune(before time.Time) error {
	paths, err := filepath.Glob(filepath.Join(b.dir, "[0-9a-f][0-9a-f]", "*"))
	half, halfErr := filepath.Glob(filepath.Join(b.dir, "new-*"))
	errs := []error{err, halfErr}
	for _, path := range append(paths, half...) {
		st, err := os.Stat(path)
		if err == nil && st.ModTime().Before(before) {
			err = os.Remove(path)
		}
		if !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// PutBlob is Put of the store's own blobs.
func (s *Store) PutBlob(r io.Reader) (digest string, size int64, err error) {
	return OpenBlobs(s.blobs).Put(r)
}

// BlobPath is Path of the store's own blobs.
func (s *Store) BlobPath(digest string) (string, error) { return OpenBlobs(s.blobs).Path(digest) }

// OpenBlob is Open of the store's own blobs.
func (s *Store) OpenBlob(digest string) (*os.File, error) { return OpenBlobs(s.blobs).Open(digest) }

// DeleteBlob is Delete of the store's own blobs.
func (s *Store) DeleteBlob(digest string) error { return OpenBlobs(s.blobs).Delete(digest) }

// syncDir makes a rename in dir durable, where directories can be synced.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrPermission) {
		return err
	}
	return nil
}
