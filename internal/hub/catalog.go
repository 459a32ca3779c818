package hub

import (
	"fmt"
	"slices"
	"strings"
)

// Model is an entry of the catalog.
type Model struct {
	ID      string
	Title   string
	Kind    Kind
	Params  string // "135M"
	License License
	// Tried is false for models that have never been fetched by this program's
	// tests: their sha256 are recorded at the first pull.
	Tried bool
	Note  string
	// Files are what the sources must bring; none: whatever the repository
	// lists as the model, with the checksums it gives.
	Files   []File
	sources []source
}

// Kind says what a model is good for.
type Kind string

// Kinds of models.
const (
	Chat  Kind = "chat"  // trained to follow instructions, has a chat template
	Base  Kind = "base"  // pretrained only: completes text
	Embed Kind = "embed" // encoder: turns text into vectors
)

// License is under which terms a model may be used.
type License struct {
	Name string // SPDX id where there is one
	URL  string
	// Terms is a sentence to be shown before use, empty for open licences.
	Terms string
}

// File is one file of a model.
type File struct {
	Name   string `json:"name"` // relative, with slashes
	Size   int64  `json:"size"` // bytes; 0 in the catalog: unknown
	SHA256 string `json:"sha256"`
}

// Default is the model that is served when none is named.
const Default = "smollm2-135m-instruct"

// Catalog lists the known models, the default one first.
func Catalog() []Model { return slices.Clone(catalog) }

// Lookup finds an entry of the catalog.
func Lookup(id string) (Model, bool) {
	i := slices.IndexFunc(catalog, func(m Model) bool { return m.ID == id })
	if i < 0 {
		return Model{}, false
	}
	return catalog[i], true
}

// Sources says where the model is looked for, in order.
func (m Model) Sources() []string {
	var s []string
	for _, src := range m.sources {
		s = append(s, src.String())
	}
	return s
}

// Bytes is the size of the files, 0 when unknown.
func (m Model) Bytes() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// unknown is the error for an id that is neither in the catalog nor a path.
func unknown(id string) error {
	hint := ""
	if near := nearest(id); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("%w: %q is neither in the catalog (see `graft models`), nor a GGUF file or model folder, nor a Hugging Face repository OWNER/NAME or OWNER/NAME:FILE.gguf%s", ErrUnknown, id, hint)
}

// nearest is the id of the catalog that was probably meant, or "".
func nearest(id string) string {
	best, distance := "", max(2, len(id)/3)+1
	for _, m := range catalog {
		d := levenshtein(strings.ToLower(id), m.ID)
		if len(id) > 3 && strings.Contains(m.ID, strings.ToLower(id)) {
			d = 1
		}
		if d < distance {
			best, distance = m.ID, d
		}
	}
	return best
}

// levenshtein counts the insertions, deletions and replacements of bytes
// between a and b.
func levenshtein(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
