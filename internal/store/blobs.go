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
	c, err := b.stage(r)
	if err != nil {
		return "", 0, err
	}
	defer c.Discard()
	if want != "" && c.Digest != want {
		return "", 0, fmt.Errorf("%w: expected %s, got %s", ErrDigest, want, c.Digest)
	}
	return c.Digest, c.Bytes, c.publish()
}

// Content is on the disk, but has no name yet. Discard must be called.
type Content struct {
	Digest string // sha256, hex
	Bytes  int64
	path   string
	blobs  *Blobs
}

// stage brings what r gives to the disk.
func (b *Blobs) stage(r io.Reader) (_ *Content, err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(b.dir, "new-*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	h := sha256.New()
	size, err := io.Copy(io.MultiWriter(tmp, h), r)
	if err != nil {
		return nil, err
	}
	if err := tmp.Sync(); err != nil {
		return nil, err
	}
	return &Content{hex.EncodeToString(h.Sum(nil)), size, tmp.Name(), b}, tmp.Close()
}

// publish gives it its name.
func (c *Content) publish() error {
	path, err := c.blobs.Path(c.Digest)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return errors.Join(os.Rename(c.path, path), syncDir(filepath.Dir(path)))
}

// Discard deletes it unless it has its name.
func (c *Content) Discard() { os.Remove(c.path) }

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
