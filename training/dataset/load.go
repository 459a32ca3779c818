package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"graft/training"
)

// Long says what becomes of rows with too many tokens.
type Long string

// What becomes of them.
const (
	LongFails Long = ""         // a problem
	LongDrop  Long = "drop"     // left out
	LongCut   Long = "truncate" // cut at the end
)

// Options of Load.
type Options struct {
	File      string // its name, for messages
	Format    *Format
	Render    RenderOptions
	Pairs     bool // preference rows are wanted (DPO), else the others
	MaxTokens int  // of an example; 0: no bound
	Long      Long
	MinRows   int // 0: 10, as OpenAI; below 0: none
	Problems  int // most that are kept; 0: 200
}

// MinRows is the least number of rows of a training file.
const MinRows = 10

// Source is where an example came from.
type Source struct {
	Row  int // number in Set.Rows
	Line int
	Turn int // message that is trained; -1: all that are, or the row has no messages
}

// Pair is a better and a worse answer to the same prompt.
type Pair struct{ Chosen, Rejected training.Example }

// Set is a file that was read.
type Set struct {
	Kind     Kind
	Rows     []Row
	Examples []training.Example // of all rows but Preference
	Pairs    []Pair             // of Preference
	Sources  []Source           // of Examples or Pairs
	Tokens   int                // of all examples
	Trained  int                // of them, those with a weight
	Longest  int                // tokens of the longest example
	Expanded int                // rows of which several examples were made
	Dropped  []int              // lines left out because they are too long
	Cut      []int              // lines that were cut
	Digest   string             // SHA-256 of the file
	Problems
}

// Load reads a file and makes examples of its rows. What is wrong with the file is in
// the set's problems, and its Err; the error is the reader's, or ctx's.
func Load(ctx context.Context, in io.Reader, o Options) (*Set, error) {
	s := &Set{Problems: Problems{File: o.File, Most: o.Problems}}
	sum := sha256.New()
	err := Read(io.TeeReader(in, sum), &s.Problems, func(r Row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.Kind = r.Kind
		err := s.add(r, &o)
		var e *fault
		if errors.As(err, &e) {
			s.Problems.add(r.Line, e.field, e.code, e.text, e.fix)
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.Digest = hex.EncodeToString(sum.Sum(nil))
	least := o.MinRows
	if least == 0 {
		least = MinRows
	}
	if n := len(s.Rows); n < least && (s.Total == 0 || n+s.Total < least) {
		s.Problems.add(0, "", "few_rows", fmt.Sprintf("the file has %d usable rows, want at least %d", n, least), "add rows")
	}
	return s, nil
}

func (s *Set) add(r Row, o *Options) error {
	if o.Pairs {
		chosen, rejected, err := o.Format.Pair(&r, o.Render)
		if err != nil {
			return err
		}
		if ok, err := s.fit(&r, o, chosen, rejected); !ok {
			return err
		}
		s.Pairs = append(s.Pairs, Pair{chosen.Example(), rejected.Example()})
		s.Sources = append(s.Sources, Source{len(s.Rows), r.Line, chosen.Turn})
		s.Rows = append(s.Rows, r)
		return nil
	}
	list, err := o.Format.Sequences(&r, o.Render)
	if err != nil {
		return err
	}
	if ok, err := s.fit(&r, o, list...); !ok {
		return err
	}
	if len(list) > 1 {
		s.Expanded++
	}
	for _, q := range list {
		s.Examples = append(s.Examples, q.Example())
		s.Sources = append(s.Sources, Source{len(s.Rows), r.Line, q.Turn})
	}
	s.Rows = append(s.Rows, r)
	return nil
}

// fit holds the sequences of a row to the bound. ok is false if the row is left out.
func (s *Set) fit(r *Row, o *Options, list ...*Sequence) (ok bool, err error) {
	for _, q := range list {
		if n := len(q.IDs); o.MaxTokens > 0 && n > o.MaxTokens {
			switch o.Long {
			case LongFails:
				return false, wrong("", "too_long", "shorten the row, raise the limit, or have long rows dropped or truncated", "has %d tokens, at most %d are trained", n, o.MaxTokens)
			case LongDrop:
				s.Dropped = append(s.Dropped, r.Line)
				return false, nil
			}
			q.cut(o.MaxTokens)
			s.Cut = append(s.Cut, r.Line)
		}
		if q.Trained() == 0 {
			return false, wrong("", "nothing_trained", "write an answer, or shorten what is before it", "no token is trained")
		}
	}
	for _, q := range list {
		s.Tokens += len(q.IDs)
		s.Trained += q.Trained()
		s.Longest = max(s.Longest, len(q.IDs))
	}
	return true, nil
}

// cut leaves out what is behind the first n tokens.
func (s *Sequence) cut(n int) {
	s.IDs, s.Offsets, s.Weights, s.From = s.IDs[:n], s.Offsets[:n], s.Weights[:n], s.From[:n]
}
