package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// huggingFace takes a model's files from a repository of the Hugging Face hub.
type huggingFace struct {
	repo string // owner/name
	file string // one GGUF file of several; empty: the model of the repository
}

func (s huggingFace) String() string { return "Hugging Face " + s.repo }

func (s huggingFace) fetch(ctx context.Context, j *job) (fetched, error) {
	got := fetched{revision: "main"}
	files := j.m.Files
	if files == nil {
		list, commit, err := s.list(ctx, j.hub, got.revision)
		if err != nil {
			return fetched{}, err
		}
		if files, err = s.choose(list); err != nil {
			return fetched{}, err
		}
		got.revision = commit
		if err := j.space(Model{Files: files}.Bytes()); err != nil {
			return fetched{}, err
		}
	}
	for _, want := range files {
		from := j.hub.opts.Endpoint + "/" + s.repo + "/resolve/" + url.PathEscape(got.revision) + "/" + escape(want.Name)
		f, err := j.download(ctx, from, want)
		if err != nil {
			return fetched{}, s.explain(err)
		}
		got.files = append(got.files, f)
	}
	return got, nil
}

// maxListing bounds the description of a repository, in bytes.
const maxListing = 16 << 20

// list asks what the repository holds at a revision, and which commit that is.
func (s huggingFace) list(ctx context.Context, h *Hub, revision string) ([]File, string, error) {
	resp, err := h.get(ctx, h.opts.Endpoint+"/api/models/"+s.repo+"/revision/"+url.PathEscape(revision)+"?blobs=true", nil)
	if err != nil {
		return nil, "", s.explain(err)
	}
	defer resp.Body.Close()
	var info struct {
		SHA      string
		Siblings []struct {
			Name string `json:"rfilename"`
			Size int64
			LFS  struct {
				SHA256 string
				Size   int64
			}
		}
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxListing)).Decode(&info); err != nil {
		return nil, "", fmt.Errorf("list of files: %w", err)
	}
	if info.SHA == "" || len(info.Siblings) == 0 {
		return nil, "", fmt.Errorf("repository %s lists no files", s.repo)
	}
	var files []File
	for _, f := range info.Siblings {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return nil, "", fmt.Errorf("repository %s lists a file outside itself: %q", s.repo, f.Name)
		}
		files = append(files, File{Name: f.Name, Size: max(f.Size, f.LFS.Size, 0), SHA256: f.LFS.SHA256})
	}
	return files, info.SHA, nil
}

var splitGGUF = regexp.MustCompile(`^(.*)-\d{5}-of-(\d{5})\.gguf$`)

// choose picks the files that make up the model.
func (s huggingFace) choose(list []File) ([]File, error) {
	var folder, ggufs []File
	safetensors := false
	for _, f := range list {
		switch {
		case strings.HasSuffix(f.Name, ".gguf"):
			ggufs = append(ggufs, f)
		case isModelFile(f.Name):
			folder = append(folder, f)
			safetensors = safetensors || strings.HasSuffix(f.Name, ".safetensors")
		}
	}
	if s.file == "" && safetensors {
		return folder, nil
	}
	if s.file == "" {
		if names := modelNames(ggufs); len(names) != 1 {
			return nil, fmt.Errorf("repository %s holds no safetensors model and %d GGUF models%s", s.repo, len(names), oneOf(s.repo, names))
		}
		s.file = ggufs[0].Name
	}
	var chosen []File
	for _, f := range ggufs {
		if modelName(f.Name) == modelName(s.file) {
			chosen = append(chosen, f)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("repository %s has no file %s%s", s.repo, s.file, oneOf(s.repo, modelNames(ggufs)))
	}
	return chosen, nil
}

// modelName is the same for all parts of a split GGUF file.
func modelName(file string) string {
	if g := splitGGUF.FindStringSubmatch(file); g != nil {
		return g[1] + "-of-" + g[2]
	}
	return file
}

// modelNames lists one file of each model.
func modelNames(ggufs []File) []string {
	var names []string
	seen := map[string]bool{}
	for _, f := range ggufs {
		if m := modelName(f.Name); !seen[m] {
			seen[m] = true
			names = append(names, f.Name)
		}
	}
	return names
}

func oneOf(repo string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("; choose one: %s:%s", repo, strings.Join(names, ", "+repo+":"))
}

// isModelFile tells the files of a model folder from pictures, other formats
// and the copies that some makers add.
func isModelFile(name string) bool {
	if name == "1_Pooling/config.json" {
		return true
	}
	if strings.Contains(name, "/") || strings.HasPrefix(name, "consolidated") {
		return false
	}
	switch path.Ext(name) {
	case ".safetensors", ".json", ".jinja", ".model":
		return true
	}
	return name == "vocab.txt" || name == "merges.txt"
}

// explain says what to do about a refusal.
func (s huggingFace) explain(err error) error {
	status, ok := errors.AsType[*statusError](err)
	if !ok {
		return err
	}
	page := "https://huggingface.co/" + s.repo
	switch {
	case status.code == http.StatusUnauthorized || status.code == http.StatusForbidden:
		return fmt.Errorf("%w: the repository is gated, private or missing; accept its licence at %s and set HF_TOKEN to an access token of your account", err, page)
	case status.code == http.StatusNotFound:
		return fmt.Errorf("%w: see %s", err, page)
	case status.code == http.StatusTooManyRequests:
		return fmt.Errorf("%w: too many requests; set HF_TOKEN, or try again later", err)
	}
	return err
}

func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// statusError is an answer other than success.
type statusError struct {
	code    int
	message string // what the server said of it
}

func (e *statusError) Error() string {
	s := strconv.Itoa(e.code) + " " + http.StatusText(e.code)
	if e.message != "" {
		s += " (" + e.message + ")"
	}
	return s
}
