package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// partSuffix marks files that are not whole yet.
const partSuffix = ".part"

// part is a file being received: it is hashed as it grows, and gets its name
// when it is whole and right.
type part struct {
	f    *os.File
	hash hash.Hash
	size int64 // bytes so far
	path string
}

// openPart continues the part at path, or begins it anew.
func openPart(path string, resume bool) (*part, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &part{f: f, hash: sha256.New(), path: path}
	if resume {
		p.size, err = io.Copy(p.hash, f)
	} else {
		err = p.restart()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// restart forgets what was received.
func (p *part) restart() error {
	p.hash.Reset()
	p.size = 0
	if _, err := p.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return p.f.Truncate(0)
}

func (p *part) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.hash.Write(b[:n])
	p.size += int64(n)
	return n, err
}

// commit checks size and sha256 where want knows them, and moves the file to
// its place. A file that is wrong is deleted.
func (p *part) commit(path string, want File) (File, error) {
	got := File{Name: want.Name, Size: p.size, SHA256: hex.EncodeToString(p.hash.Sum(nil))}
	err := compare(got, want)
	if err != nil {
		p.f.Close()
		os.Remove(p.path)
		return File{}, err
	}
	if err := p.f.Sync(); err != nil {
		p.f.Close()
		return File{}, err
	}
	if err := p.f.Close(); err != nil {
		return File{}, err
	}
	if err := os.Rename(p.path, path); err != nil {
		return File{}, err
	}
	return got, syncDir(filepath.Dir(path))
}

// compare says how a file differs from what it should be.
func compare(got, want File) error {
	if want.Size > 0 && got.Size != want.Size {
		return fmt.Errorf("%s has %d bytes, want %d", want.Name, got.Size, want.Size)
	}
	if want.SHA256 != "" && got.SHA256 != want.SHA256 {
		return fmt.Errorf("%s has sha256 %s, want %s: it was changed at its source or damaged on the way", want.Name, got.SHA256, want.SHA256)
	}
	return nil
}

// Verify reads a pulled model again and compares every sha256.
func (h *Hub) Verify(id string) error {
	l, err := h.Find(id)
	if err != nil || l.Pulled.IsZero() {
		return err
	}
	man, err := readManifest(h.dir(id))
	if err != nil {
		return err
	}
	for _, want := range man.Files {
		got, err := hashFile(filepath.Join(h.dir(id), filepath.FromSlash(want.Name)))
		if err != nil {
			return err
		}
		got.Name = want.Name
		if err := compare(got, want); err != nil {
			return fmt.Errorf("%w; delete %s and pull again", err, h.dir(id))
		}
	}
	return nil
}

func hashFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return File{Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// writeFile replaces a small file so that it is either the old or the new one.
func writeFile(path string, data []byte) error {
	p, err := openPart(path+partSuffix, false)
	if err != nil {
		return err
	}
	if _, err := p.Write(data); err != nil {
		p.f.Close()
		return err
	}
	_, err = p.commit(path, File{})
	return err
}
