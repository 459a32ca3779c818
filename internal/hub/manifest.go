package hub

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const manifestName = "manifest.json"

// maxManifest bounds what is read of a manifest, in bytes.
const maxManifest = 4 << 20

// manifest says what a directory of a model holds. It is written last.
type manifest struct {
	ID       string    `json:"id"`
	Source   string    `json:"source"`
	Revision string    `json:"revision,omitempty"` // commit of the repository
	License  License   `json:"license"`
	Pulled   time.Time `json:"pulled_at"`
	Files    []File    `json:"files"`
}

func readManifest(dir string) (*manifest, error) {
	path := filepath.Join(dir, manifestName)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxManifest {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxManifest)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return nil, fmt.Errorf("%s: file name %q leaves the directory", path, f.Name)
		}
	}
	return &m, nil
}

// check compares the sizes of the files. Their sha256 were compared when they
// were written; Verify compares them again.
func (m *manifest) check(dir string) error {
	if len(m.Files) == 0 {
		return fmt.Errorf("the manifest in %s lists no files", dir)
	}
	for _, f := range m.Files {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.Name)))
		if err != nil {
			return err
		}
		if info.Size() != f.Size {
			return fmt.Errorf("%s in %s has %d bytes, want %d", f.Name, dir, info.Size(), f.Size)
		}
	}
	return nil
}

func (m *manifest) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, manifestName), append(data, '\n'))
}

// local is the model of a manifest in dir.
func (m *manifest) local(dir string, entry Model) Local {
	l := Local{ID: m.ID, Path: dir, Entry: entry, License: m.License, Source: m.Source, Pulled: m.Pulled}
	weights := slices.Clone(m.Files)
	slices.SortFunc(weights, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range weights {
		l.Bytes += f.Size
		gguf := strings.HasSuffix(f.Name, ".gguf")
		if l.Digest == "" && (gguf || strings.HasSuffix(f.Name, ".safetensors")) {
			l.Digest = f.SHA256
			if gguf {
				l.Path = filepath.Join(dir, filepath.FromSlash(f.Name))
			}
		}
	}
	return l
}
