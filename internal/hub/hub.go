package hub

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Errors of this package, wrapped with what they concern.
var (
	ErrUnknown      = errors.New("unknown model")
	ErrNotInstalled = errors.New("the model is not on this machine")
	ErrNoSpace      = errors.New("not enough disk space")
	ErrNoAdapter    = errors.New("the repository holds no adapter")
	ErrTooLarge     = errors.New("it is larger than is allowed")
)

// Options are the settings of a Hub.
type Options struct {
	Dir            string        // where models are kept
	Offline        bool          // never use the network
	Endpoint       string        // Hugging Face or a mirror of it
	Token          string        // Hugging Face access token; empty: none
	ConnectTimeout time.Duration // per connection
	StallTimeout   time.Duration // a download without a byte for so long is broken off and continued
}

// DefaultOptions are the settings for a directory of models.
func DefaultOptions(dir string) Options {
	return Options{Dir: dir, Endpoint: "https://huggingface.co", ConnectTimeout: 4 * time.Second, StallTimeout: 30 * time.Second}
}

// Hub finds and fetches models. It may be used from several goroutines.
type Hub struct {
	opts   Options
	client *http.Client
	// free tells how many bytes can be written under a directory, ok=false when
	// the system does not say; tests replace it.
	free func(dir string) (n int64, ok bool)
}

// New is a Hub over a directory, which need not exist yet.
func New(o Options) *Hub { return &Hub{opts: o, client: o.client(), free: DiskFree} }

// Local is a model on this machine.
type Local struct {
	ID    string
	Path  string // a GGUF file (the first of split ones) or a model folder
	Entry Model  // of the catalog; zero for models from elsewhere
	// Digest is the sha256 of the first weights file, hex; empty for local paths.
	Digest  string
	Bytes   int64 // all files together
	License License
	Source  string    // where it came from
	Pulled  time.Time // zero for local paths
}

// Find returns the model if it is on this machine. id is an id of the catalog,
// a Hugging Face repository OWNER/NAME or OWNER/NAME:FILE.gguf, or a path to a
// GGUF file or a model folder. Errors: ErrUnknown, ErrNotInstalled.
func (h *Hub) Find(id string) (Local, error) {
	if m, ok := Lookup(id); ok {
		return h.installed(m)
	}
	if l, ok, err := localPath(id); ok || err != nil {
		return l, err
	}
	if m, ok := repository(id); ok {
		return h.installed(m)
	}
	return Local{}, unknown(id)
}

// List returns the models that have been pulled.
func (h *Hub) List() ([]Local, error) {
	entries, err := os.ReadDir(h.opts.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Local
	for _, e := range entries {
		dir := filepath.Join(h.opts.Dir, e.Name())
		if man, err := readManifest(dir); err == nil {
			entry, _ := Lookup(man.ID)
			list = append(list, man.local(dir, entry))
		}
	}
	return list, nil
}

// Remove deletes a pulled model.
func (h *Hub) Remove(id string) error {
	l, err := h.Find(id)
	if err != nil {
		return err
	}
	if l.Pulled.IsZero() {
		return fmt.Errorf("%s was not pulled by graft: remove it yourself", l.Path)
	}
	return os.RemoveAll(h.dir(id))
}

// installed returns a model whose manifest is there and whose files have the
// sizes that it says.
func (h *Hub) installed(m Model) (Local, error) {
	dir := h.dir(m.ID)
	man, err := readManifest(dir)
	if err == nil {
		err = man.check(dir)
	}
	if err != nil {
		return Local{}, fmt.Errorf("%w: %s (%w)", ErrNotInstalled, m.ID, err)
	}
	return man.local(dir, m), nil
}

// dir is where a model is kept.
func (h *Hub) dir(id string) string {
	return filepath.Join(h.opts.Dir, strings.NewReplacer("/", "--", ":", "--").Replace(id))
}

var repositoryID = regexp.MustCompile(`^([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?::([\w./-]+\.gguf))?$`)

// repository reads OWNER/NAME or OWNER/NAME:FILE.gguf.
func repository(id string) (Model, bool) {
	g := repositoryID.FindStringSubmatch(id)
	if g == nil || strings.Contains(id, "..") {
		return Model{}, false
	}
	return Model{ID: id, Title: id, sources: []source{huggingFace{repo: g[1], file: g[2]}}}, true
}

// localPath reads id as a path. ok is false when it does not look like one
// and nothing is there.
func localPath(id string) (l Local, ok bool, err error) {
	path := id
	if rest, ok := strings.CutPrefix(id, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return Local{}, false, err
		}
		path = filepath.Join(home, rest)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil && looksLikePath(id):
		return Local{}, true, fmt.Errorf("%w: %w", ErrUnknown, err)
	case err != nil:
		return Local{}, false, nil
	case info.IsDir():
		if _, err := os.Stat(filepath.Join(path, "config.json")); err != nil {
			return Local{}, true, fmt.Errorf("%w: folder %s has no config.json: a Hugging Face model folder holds config.json, tokenizer.json and *.safetensors; for a GGUF model give the file itself", ErrUnknown, path)
		}
	case !strings.HasSuffix(strings.ToLower(path), ".gguf"):
		return Local{}, true, fmt.Errorf("%w: %s is neither a .gguf file nor a model folder", ErrUnknown, path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Local{}, true, err
	}
	name := filepath.Base(abs)
	if !info.IsDir() {
		name = name[:len(name)-len(".gguf")]
	}
	return Local{ID: name, Path: abs, Bytes: treeSize(abs), Source: "local path"}, true, nil
}

func looksLikePath(id string) bool {
	return filepath.IsAbs(id) || strings.HasPrefix(id, ".") || strings.HasPrefix(id, "~") ||
		(strings.HasSuffix(strings.ToLower(id), ".gguf") && !strings.Contains(id, ":"))
}

// treeSize is the size of a file or of all files under a folder.
func treeSize(path string) int64 {
	var n int64
	_ = filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil // what cannot be read, or is gone again, is not counted
	})
	return n
}
