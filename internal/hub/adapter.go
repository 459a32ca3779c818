package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Files of an adapter's repository, as PEFT writes them.
const (
	adapterConfig  = "adapter_config.json"
	adapterTensors = "adapter_model.safetensors"
)

var revisionPattern = regexp.MustCompile(`^[A-Za-z0-9][\w./-]{0,199}$`)

// Adapter brings the files of a LoRA adapter from a Hugging Face repository into
// dir, which is there and empty: adapter_config.json and adapter_model.safetensors,
// or else the only GGUF file. revision is a branch, tag or commit, "" for main; the
// commit is returned. Files that take more than most bytes together are refused.
// Errors: ErrUnknown, ErrNotInstalled (fetching is off), ErrNoAdapter, ErrTooLarge,
// ErrNoSpace.
func (h *Hub) Adapter(ctx context.Context, repo, revision, dir string, most int64) (commit string, err error) {
	if g := repositoryID.FindStringSubmatch(repo); g == nil || g[2] != "" || strings.Contains(repo, "..") {
		return "", fmt.Errorf("%w: %q is no repository; want OWNER/NAME", ErrUnknown, repo)
	}
	if revision == "" {
		revision = "main"
	}
	if !revisionPattern.MatchString(revision) || strings.Contains(revision, "..") {
		return "", fmt.Errorf("%w: %q is no revision of %s; want a branch, a tag or a commit", ErrUnknown, revision, repo)
	}
	if h.opts.Offline {
		return "", fmt.Errorf("%w: adapter %s, and fetching is off (--offline, hub.offline): give a folder of this machine", ErrNotInstalled, repo)
	}
	s := huggingFace{repo: repo}
	list, commit, err := s.list(ctx, h, revision)
	if s, ok := errors.AsType[*statusError](err); ok && s.code == http.StatusNotFound {
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if err != nil {
		return "", fmt.Errorf("adapter %s at %s: %w", repo, revision, err)
	}
	files, err := adapterFiles(list)
	if err != nil {
		return "", fmt.Errorf("%s at %s: %w", repo, revision, err)
	}
	if n := (Model{Files: files}).Bytes(); n > most {
		return "", fmt.Errorf("adapter %s: %w: %s, at most %s are", repo, ErrTooLarge, Size(n), Size(most))
	}
	j := &job{hub: h, m: Model{ID: repo}, dir: dir, emit: func(Event) {}}
	for _, want := range files {
		from := h.opts.Endpoint + "/" + repo + "/resolve/" + url.PathEscape(commit) + "/" + escape(want.Name)
		if _, err := j.download(ctx, from, want); err != nil {
			return "", fmt.Errorf("adapter %s: %w", repo, h.explain(s.explain(err)))
		}
	}
	return commit, nil
}

// adapterFiles picks the files of the adapter.
func adapterFiles(list []File) ([]File, error) {
	var peft, ggufs []File
	var names []string
	for _, f := range list {
		switch {
		case f.Name == adapterConfig || f.Name == adapterTensors:
			peft = append(peft, f)
		case path.Ext(f.Name) == ".gguf":
			ggufs = append(ggufs, f)
		case strings.HasPrefix(f.Name, "adapter"):
			names = append(names, f.Name)
		}
	}
	files := peft
	switch {
	case len(peft) == 2:
	case len(peft) == 0 && len(ggufs) == 1:
		files = ggufs
	default:
		return nil, fmt.Errorf("%w that can be used: want %s and %s, or one GGUF file; there are %d of the former, %d GGUF files, %q", ErrNoAdapter, adapterConfig, adapterTensors, len(peft), len(ggufs), names)
	}
	for _, f := range files {
		if f.Size <= 0 {
			return nil, fmt.Errorf("%w that can be used: the size of %s is not known", ErrNoAdapter, f.Name)
		}
	}
	return files, nil
}
