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
)

var digestPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// PutBlob stores everything that r gives and returns its sha256 in hex, and
// its length. The blob has its name only when it is whole and on the disk.
func (s *Store) PutBlob(r io.Reader) (digest string, size int64, err error) {
	if err := os.MkdirAll(s.blobs, 0o700); err != nil {
		return "", 0, err
	}
	tmp, err := os.CreateTemp(s.blobs, "new-*")
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	defer tmp.Close()
	h := sha256.New()
	if size, err = io.Copy(io.MultiWriter(tmp, h), r); err != nil {
		return "", 0, err
	}
	if err := tmp.Sync(); err != nil {
		return "", 0, err
	}
	digest = hex.EncodeToString(h.Sum(nil))
	path, err := s.BlobPath(digest)
	if err != nil {
		return "", 0, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", 0, err
	}
	return digest, size, errors.Join(tmp.Close(), os.Rename(tmp.Name(), path), syncDir(filepath.Dir(path)))
}

// BlobPath is where a blob of that sha256 is, or would be.
func (s *Store) BlobPath(digest string) (string, error) {
	if !digestPattern.MatchString(digest) {
		return "", fmt.Errorf("blob %q: not a sha256 in hex", digest)
	}
	return filepath.Join(s.blobs, digest[:2], digest), nil
}

// OpenBlob opens a blob. Errors: ErrNotFound.
func (s *Store) OpenBlob(digest string) (*os.File, error) {
	path, err := s.BlobPath(digest)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", digest, ErrNotFound)
	}
	return f, err
}

// DeleteBlob deletes a blob; one that is not there is no error.
func (s *Store) DeleteBlob(digest string) error {
	path, err := s.BlobPath(digest)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

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
