package weights

import (
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

// Release tells the operating system that t.Data is not needed for now, so that
// its pages no longer count as memory of this program. Looking at t.Data later
// is allowed and reads the file again.
func (s *Store) Release(t Tensor) {
	if t.file != nil {
		t.file.release(t.at, len(t.Data))
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
