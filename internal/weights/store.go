package weights

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"graft/internal/kernel"
)

// Unsupported is the Type of tensors in a format that kernels cannot compute
// with. They are listed like all others; DType says what they are.
const Unsupported kernel.Type = 1<<32 - 1

// Tensor is one named array of a file.
type Tensor struct {
	Name  string
	DType string      // the file format's name for the type: "Q4_K", "BF16", "I64"
	Type  kernel.Type // Unsupported when kernels have no such format
	Shape []int       // outermost first, as in PyTorch: [rows, cols]
	Data  []byte      // little-endian, row after row; a view into the file, valid until Close

	file *mapping
	at   int // offset of Data in file
}

// Len is the number of elements.
func (t Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Check returns an error unless t can be computed with and has this shape.
func (t Tensor) Check(shape ...int) error {
	if t.Type == Unsupported {
		return fmt.Errorf("tensor %s: weights stored as %s are not supported; take another file of this model, as F16, BF16, Q8_0 or Q4_K", t.Name, t.DType)
	}
	if !slices.Equal(t.Shape, shape) {
		return fmt.Errorf("tensor %s: want shape %v, have %v", t.Name, shape, t.Shape)
	}
	return nil
}

// Store is the tensors of one model, from one file or several. It may be read by
// many goroutines.
type Store struct {
	tensors []Tensor
	index   map[string]int // name -> position in tensors
	files   []*mapping
}

// Tensor looks up a tensor by its name in the file.
func (s *Store) Tensor(name string) (Tensor, bool) {
	i, ok := s.index[name]
	if !ok {
		return Tensor{}, false
	}
	return s.tensors[i], true
}

// Names lists the tensors in the order of the file.
func (s *Store) Names() []string {
	names := make([]string, len(s.tensors))
	for i := range s.tensors {
		names[i] = s.tensors[i].Name
	}
	return names
}

// Len is the number of tensors.
func (s *Store) Len() int { return len(s.tensors) }

// Bytes is what the tensors take in the files together.
func (s *Store) Bytes() int64 {
	var n int64
	for i := range s.tensors {
		n += int64(len(s.tensors[i].Data))
	}
	return n
}

// near is how far tensors may lie apart in a file that are released together. Each
// release makes all processors look up their pages anew.
const near = 1 << 20 // bytes

// Release tells the operating system that the Data of these tensors is not needed for
// now, so that its pages no longer count as memory of this program; so it may be with
// what lies between them. Looking at any of it later is allowed and reads the file
// again.
func (s *Store) Release(tensors ...Tensor) {
	tensors = slices.DeleteFunc(slices.Clone(tensors), func(t Tensor) bool { return t.file == nil })
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(slices.Index(s.files, a.file)-slices.Index(s.files, b.file), a.at-b.at)
	})
	for len(tensors) > 0 {
		first, end, n := tensors[0], tensors[0].at+len(tensors[0].Data), 1
		for ; n < len(tensors) && tensors[n].file == first.file && tensors[n].at <= end+near; n++ {
			end = max(end, tensors[n].at+len(tensors[n].Data))
		}
		first.file.release(first.at, end-first.at)
		tensors = tensors[n:]
	}
}

// Close unmaps the files. No tensor's Data may be looked at afterwards; names,
// shapes and metadata stay valid.
func (s *Store) Close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.close())
	}
	s.files, s.tensors, s.index = nil, nil, nil
	return errors.Join(errs...)
}

// add appends t, whose name must be new.
func (s *Store) add(t Tensor) error {
	if s.index == nil {
		s.index = map[string]int{}
	}
	if _, ok := s.index[t.Name]; ok {
		return fmt.Errorf("tensor %q is there twice", t.Name)
	}
	s.index[t.Name] = len(s.tensors)
	s.tensors = append(s.tensors, t)
	return nil
}
