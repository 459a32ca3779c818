package adapters

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"graft/internal/weights"
)

// Files of a PEFT folder.
const (
	peftConfig  = "adapter_config.json"
	peftTensors = "adapter_model.safetensors"
	peftPickle  = "adapter_model.bin"
	peftCard    = "README.md"
	mlxTensors  = "adapters.safetensors"
)

// ReadPEFT reads a folder as PEFT's save_pretrained writes it. Pickles are refused:
// opening one runs what is in it. The error names everything that is wrong with
// the folder.
func ReadPEFT(dir string, limits Limits) (*Adapter, error) {
	a, err := readPEFT(dir, limits.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", dir, err)
	}
	return a, nil
}

func readPEFT(dir string, limits Limits) (*Adapter, error) {
	data, err := readBounded(filepath.Join(dir, peftConfig), maxConfig)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", peftConfig, err)
	}
	path := filepath.Join(dir, peftTensors)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, noTensors(dir)
	}
	if err := bounded(path, limits); err != nil {
		return nil, err
	}
	file, err := weights.OpenSafetensors(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return collect(c, &file.Store, limits)
}

// noTensors says what is there in the place of the tensors.
func noTensors(dir string) error {
	is := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	switch {
	case is(peftPickle):
		return fmt.Errorf("%s is a pickle, which runs code when it is opened: load it where you trust it and save it as %s (peft: save_pretrained with safe_serialization=True)", peftPickle, peftTensors)
	case is(mlxTensors):
		return fmt.Errorf("%s: %w", mlxTensors, errMLX)
	}
	return fmt.Errorf("%s is not there", peftTensors)
}

// readBounded reads a file of at most limit bytes, also one that grows meanwhile.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", path, limit)
	}
	return data, err
}

// maxSafetensorsHeader is the longest header, in bytes; decoding takes several
// times that.
const maxSafetensorsHeader = 16 << 20

// bounded checks the size of a file of tensors and the length of its header.
func bounded(path string, limits Limits) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if st.Size() > limits.Bytes {
		return fmt.Errorf("%s: %d bytes, at most %d are allowed: %w", path, st.Size(), limits.Bytes, ErrTooLarge)
	}
	var head [8]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if n := binary.LittleEndian.Uint64(head[:]); filepath.Ext(path) != ".gguf" && n > maxSafetensorsHeader {
		return fmt.Errorf("%s: header of %d bytes, at most %d are allowed", path, n, maxSafetensorsHeader)
	}
	return nil
}

const peftPrefix = "base_model.model."

// collector sorts tensors into an adapter and keeps all errors.
type collector struct {
	*Adapter
	limits Limits
	found  map[string]*Module
	errs   []error
}

func (k *collector) fail(format string, args ...any) {
	k.errs = append(k.errs, fmt.Errorf(format, args...))
}

// collect makes an adapter of the tensors of a PEFT file.
func collect(c *Config, store *weights.Store, limits Limits) (*Adapter, error) {
	if store.Len() > limits.Tensors {
		return nil, fmt.Errorf("%d tensors, at most %d are allowed: %w", store.Len(), limits.Tensors, ErrTooLarge)
	}
	k := &collector{&Adapter{Config: *c, Replaced: map[string]Tensor{}, Copies: map[string]Tensor{}}, limits, map[string]*Module{}, nil}
	for _, name := range store.Names() {
		stored, _ := store.Tensor(name)
		path, ok := strings.CutPrefix(name, peftPrefix)
		if !ok {
			k.fail("tensor %s: PEFT's names begin with %s", name, peftPrefix)
			continue
		}
		t, err := take(stored)
		if err != nil {
			k.errs = append(k.errs, err)
			continue
		}
		k.place(name, canonical(path), t)
	}
	if work := (len(c.Ranks) + len(c.Alphas)) * len(k.found); work > maxMatches {
		k.fail("%d patterns for %d modules are too many", len(c.Ranks)+len(c.Alphas), len(k.found))
		return nil, errors.Join(k.errs...)
	}
	for path, m := range k.found {
		m.Path, m.RS, m.Alpha = path, c.RSLoRA, c.alpha(path)
		k.check(m)
	}
	return k.finish()
}

// maxMatches bounds how often patterns are tried. A model of 126 layers whose
// modules have a pattern each needs 778,000.
const maxMatches = 1 << 20

// canonical drops what names of models with eyes have more.
func canonical(path string) string {
	if rest, ok := strings.CutPrefix(path, "language_model."); ok {
		return rest
	}
	if rest, ok := strings.CutPrefix(path, "model.language_model."); ok {
		return "model." + rest
	}
	return path
}

// module is the one at path, made when it is not there yet.
func (k *collector) module(path string) *Module {
	if k.found[path] == nil {
		k.found[path] = &Module{}
	}
	return k.found[path]
}

// place puts one tensor where it belongs.
func (k *collector) place(name, path string, t Tensor) {
	cut := func(suffix string) bool {
		p, ok := strings.CutSuffix(path, suffix)
		if ok {
			path = p
		}
		return ok
	}
	set := func(dst *Tensor) {
		if dst.Shape != nil {
			k.fail("tensor %s: its module has one already", name)
		}
		*dst = t
	}
	switch {
	case cut(".lora_A.weight"):
		set(&k.module(path).A)
	case cut(".lora_B.weight"):
		set(&k.module(path).B)
	case cut(".lora_embedding_A"):
		k.module(path).Embedding = true
		set(&k.module(path).A)
	case cut(".lora_embedding_B"):
		k.module(path).Embedding = true
		set(&k.module(path).B)
	case cut(".lora_magnitude_vector"), cut(".lora_magnitude_vector.weight"):
		set(&k.module(path).Magnitude)
	case cut(".base_layer.weight"):
		k.Copies[path+".weight"] = t
	case cut(".base_layer.bias"), cut(".bias"):
		if k.Config.Bias == "none" && !k.saved(path) {
			k.fail("tensor %s: the configuration's bias is none, and modules_to_save does not name %s", name, path)
		}
		k.Replaced[path+".bias"] = t
	case cut(".weight") && k.saved(path):
		k.Replaced[path+".weight"] = t
	default:
		k.fail("tensor %s: not supported: neither a matrix of LoRA, a magnitude of DoRA, a trained bias nor of a module in modules_to_save", name)
	}
}

// saved tells whether modules_to_save names a module.
func (k *collector) saved(path string) bool {
	return slices.ContainsFunc(k.Config.Save, func(name string) bool { return endsIn(path, name) })
}

// check compares a module with the configuration and with itself.
func (k *collector) check(m *Module) {
	if !k.shapes(m) {
		return
	}
	if want := k.Config.rank(m.Path); m.Rank() != want {
		k.fail("module %s: its rank is %d, but the configuration says %d", m.Path, m.Rank(), want)
	}
	if k.Config.DoRA != m.DoRA() {
		k.fail("module %s: use_dora is %t, but a magnitude is there: %t", m.Path, k.Config.DoRA, m.DoRA())
	}
}

// shapes checks that a module is whole and that its matrices fit together.
func (k *collector) shapes(m *Module) bool {
	n := len(k.errs)
	a, b := m.A.Shape, m.B.Shape
	switch {
	case a == nil || b == nil:
		k.fail("module %s: A is there: %t, B is there: %t, want both", m.Path, a != nil, b != nil)
	case len(a) != 2 || len(b) != 2 || a[0] != b[1]:
		k.fail("module %s: A %v and B %v, want [rank, in] and [out, rank]", m.Path, a, b)
	case a[0] > k.limits.Rank:
		k.fail("module %s: rank %d, at most %d are allowed: %w", m.Path, a[0], k.limits.Rank, ErrTooLarge)
	case m.DoRA() && m.Embedding:
		k.fail("module %s: DoRA of a table is not supported", m.Path)
	case m.DoRA() && (len(m.Magnitude.Shape) != 1 || m.Magnitude.Shape[0] != b[0]):
		k.fail("module %s: magnitude %v, want [%d]", m.Path, m.Magnitude.Shape, b[0])
	}
	if !isFinite(m.Alpha) {
		k.fail("module %s: alpha is %g", m.Path, m.Alpha)
	}
	return len(k.errs) == n
}

// finish is the adapter, or all that is wrong with it, sorted.
func (k *collector) finish() (*Adapter, error) {
	if len(k.errs) == 0 && len(k.found) == 0 && len(k.Replaced) == 0 {
		k.fail("there is nothing in it")
	}
	if len(k.errs) > 0 {
		slices.SortFunc(k.errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(k.errs...)
	}
	for _, m := range k.found {
		k.Modules = append(k.Modules, m)
	}
	k.Seal()
	return k.Adapter, nil
}
