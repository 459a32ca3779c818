package adapters

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Bounds of archives, besides Limits.Bytes.
const (
	maxEntries   = 1024     // of an archive, or files of an upload
	maxEntryName = 512      // bytes
	maxSpare     = 64 << 20 // bytes of an archive beside the adapter: tokenizer files, README
	maxRatio     = 200      // unpacked bytes for each packed one, ...
	freeRatio    = 8 << 20  // ... after so many unpacked ones
)

// archive keeps the files of an adapter from a tar.gz or tar: of one folder, or of
// none. It reads to the end, so that a sum that is wrong is noticed.
func (in *intake) archive(r io.Reader) error {
	src := &packed{r: whileWanted{in.ctx, r}}
	err := in.untar(src)
	switch {
	case src.err != nil:
		return src.err // of the reader, not of what it gave
	case err == nil || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalid) || errors.Is(err, errDisk):
		return err
	}
	return fmt.Errorf("%w: the archive: %w", ErrInvalid, err)
}

func (in *intake) untar(src *packed) error {
	buf := bufio.NewReader(src)
	most := in.limits.Bytes + maxSpare
	out := &unpacked{r: buf, src: src, most: most}
	if magic, err := buf.Peek(2); err != nil {
		return err
	} else if magic[0] == 0x1f && magic[1] == 0x8b {
		gz, err := gzip.NewReader(buf)
		if err != nil {
			return err
		}
		out.r = gz
	}
	t := tar.NewReader(out)
	folder := ""
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, out)
			return err
		}
		if err != nil {
			return err
		}
		if n == maxEntries {
			return fmt.Errorf("%w: the archive has more than %d entries", ErrTooLarge, maxEntries)
		}
		name, err := entryName(h)
		if err != nil {
			return err
		}
		dir, base := filepath.Split(name)
		if h.Typeflag != tar.TypeReg || in.wants(base) == "" {
			continue
		}
		if len(in.kept) > 0 && dir != folder {
			return fmt.Errorf("%w: the archive has %s beside files in %q; want one adapter", ErrInvalid, name, folder)
		}
		folder = dir
		if err := in.add(base, t); err != nil {
			return err
		}
	}
}

// entryName is the name of an entry, if an adapter's archive may have it.
func entryName(h *tar.Header) (string, error) {
	if len(h.Name) > maxEntryName {
		return "", fmt.Errorf("%w: the archive has a name of %d bytes, at most %d are allowed", ErrTooLarge, len(h.Name), maxEntryName)
	}
	if strings.ContainsAny(h.Name, "\\\x00") || !filepath.IsLocal(filepath.FromSlash(h.Name)) {
		return "", fmt.Errorf("%w: the archive has the name %q, which leads out of it", ErrInvalid, h.Name)
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir, tar.TypeXGlobalHeader:
	case tar.TypeSymlink, tar.TypeLink:
		return "", fmt.Errorf("%w: the archive has a link, %q", ErrInvalid, h.Name)
	default:
		return "", fmt.Errorf("%w: the archive has %q, which is no ordinary file (type %q)", ErrInvalid, h.Name, h.Typeflag)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return "", fmt.Errorf("%w: the archive has %q, which is sparse", ErrInvalid, h.Name)
		}
	}
	return filepath.Clean(filepath.FromSlash(h.Name)), nil
}

// packed counts what is read of an archive.
type packed struct {
	r   io.Reader
	n   int64
	err error // other than its end
}

func (p *packed) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.n += int64(n)
	if err != nil && err != io.EOF {
		p.err = err
	}
	return n, err
}

// unpacked bounds what an archive unpacks to, and thereby what is read of it.
type unpacked struct {
	r    io.Reader
	src  *packed
	n    int64
	most int64
}

func (u *unpacked) Read(b []byte) (int, error) {
	n, err := u.r.Read(b)
	u.n += int64(n)
	switch {
	case u.n > u.most:
		return n, fmt.Errorf("%w: the archive unpacks to more than %d bytes", ErrTooLarge, u.most)
	case u.n > freeRatio && u.n > maxRatio*u.src.n:
		return n, fmt.Errorf("%w: the archive unpacks to more than %d times its size", ErrTooLarge, maxRatio)
	}
	return n, err
}
