package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Names in a Hugging Face folder.
const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
)

// OpenSafetensors maps the model at path: a .safetensors file, the index of
// several, or a folder that holds either under the names Hugging Face uses.
func OpenSafetensors(path string) (*Safetensors, error) {
	path, err := findSafetensors(path)
	if err != nil {
		return nil, err
	}
	s := &Safetensors{Metadata: map[string]string{}}
	if filepath.Ext(path) == ".json" {
		err = s.openIndex(path)
	} else {
		err = s.join(path, nil)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// findSafetensors turns a folder into the file to open in it.
func findSafetensors(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil || !st.IsDir() {
		return path, err
	}
	for _, name := range []string{singleFile, indexFile} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return filepath.Join(path, name), nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: neither %s nor %s is there", path, singleFile, indexFile)
}

// join maps one file and adds its tensors; with wanted only those named there.
func (s *Safetensors) join(path string, wanted map[string]bool) error {
	m, err := openMapping(path)
	if err != nil {
		return err
	}
	s.files = append(s.files, m)
	tensors, meta, err := parseSafetensors(m)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, t := range tensors {
		if wanted == nil || wanted[t.Name] {
			if err := s.add(t); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	for k, v := range meta {
		if _, ok := s.Metadata[k]; !ok {
			s.Metadata[k] = v
		}
	}
	return nil
}

// openIndex reads {"weight_map": {tensor: file}} and the files it names, which
// must lie beside it. All tensors that are missing are reported together.
func (s *Safetensors) openIndex(path string) error {
	raw, err := readLimited(path, maxHeader)
	if err != nil {
		return err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(index.WeightMap) == 0 {
		return fmt.Errorf("%s: weight_map is missing or empty", path)
	}
	wanted := map[string]map[string]bool{} // file -> tensors
	for tensor, file := range index.WeightMap {
		if file == "" || file != filepath.Base(file) || !filepath.IsLocal(file) {
			return fmt.Errorf("%s: weight_map puts %s into %q; want the name of a file beside the index", path, tensor, file)
		}
		if wanted[file] == nil {
			wanted[file] = map[string]bool{}
		}
		wanted[file][tensor] = true
	}
	var missing []error
	for _, file := range slices.Sorted(maps.Keys(wanted)) {
		if err := s.join(filepath.Join(filepath.Dir(path), file), wanted[file]); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(wanted[file])) {
			if _, ok := s.Tensor(name); !ok {
				missing = append(missing, fmt.Errorf("%s: tensor %s is not in %s, where the index puts it", path, name, file))
			}
		}
	}
	return errors.Join(missing...)
}

// readLimited reads a file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are allowed", path, st.Size(), limit)
	}
	return os.ReadFile(path)
}
