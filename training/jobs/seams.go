package jobs

import (
	"context"
	"io"

	"graft/internal/model"
	"graft/internal/tokenizer"
	"graft/training"
)

// File is a stored file.
type File struct {
	ID      string
	Name    string
	Purpose string
	Owner   string // id of an API key; "": none
	Bytes   int64
}

// Files are the files of clients.
type Files interface {
	// Open reads a file. Errors: ErrNoFile.
	Open(ctx context.Context, id string) (io.ReadCloser, File, error)
	// Put stores a file under the id of f, in the place of one that is there already.
	Put(ctx context.Context, f File, r io.Reader) error
}

// Base is a loaded model, as serving has it.
type Base struct {
	ID        string
	Digest    string // of the weights
	Model     *model.Model
	Tokenizer *tokenizer.Tokenizer
	Release   func() // lets go of the model
}

// Bases lends the models that are served.
type Bases interface {
	// Base returns the model called id, "" for the default, which stays loaded until
	// its Release is called. Errors: ErrNoBase.
	Base(ctx context.Context, id string) (*Base, error)
}

// Publication is an adapter that gets a name.
type Publication struct {
	Name       string
	Job        string
	Base       string // id of the model
	BaseDigest string
	Owner      string
	Targets    []string          // target_modules for PEFT: last parts of the modules' paths, or whole ones
	Adapter    *training.Adapter // not to be kept
	Metrics    Metrics           // of its step
	Card       string            // README.md

	// Digests; "": there is none.
	Dataset      string // training data
	ValidDataset string // validation file
	Template     string // chat template that rows were written with
	Config       string // all that was chosen
}

// Publisher makes adapters answer requests. To publish the same a second time changes
// nothing. Errors: ErrNoRoom.
type Publisher interface {
	Publish(ctx context.Context, p Publication) error
}
