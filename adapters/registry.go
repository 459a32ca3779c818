package adapters

import (
	"context"
	"errors"
	"io"
	"time"
)

// Errors of the registry, wrapped with what they concern.
var (
	ErrNotFound   = errors.New("there is no such adapter")
	ErrExists     = errors.New("the name is taken")
	ErrName       = errors.New("the name cannot be used") // see CheckName
	ErrMismatch   = errors.New("the name stands for another generation than expected")
	ErrForbidden  = errors.New("not allowed")                           // to use the adapter, or to read the path
	ErrInvalid    = errors.New("the adapter does not fit")              // the file or the model; the text lists every mismatch
	ErrTooLarge   = errors.New("the adapter is larger than is allowed") // file, rank, or what is in an archive
	ErrNoPath     = errors.New("there is no adapter at this path")
	ErrSource     = errors.New("the adapter could not be fetched") // from a repository
	ErrQuota      = errors.New("no more adapters can be stored")
	ErrNoPrevious = errors.New("there is nothing to go back to")
	ErrUnproven   = errors.New("no evaluation has shown a clear win of it") // and the name demands one
)

// Entry is a name and what it stands for now.
type Entry struct {
	Name       string
	Generation string // "sha256:…"
	Staged     string // generation that waits to be promoted; empty: none
	Base       string // id of the model it was checked against
	Shadow     bool   // registered with AddRequest.Shadow: the name hides a model of the same id
	State      string // live; staged: stored under the name, chosen as name@generation only
	Created    time.Time
	Updated    time.Time // when the name was last given a generation
	Owner      string    // id of the API key that made it; empty: made without one
	Notes      string
	Rank       int
	Bytes      int64 // on disk
	Lineage    Lineage
	Settings   Settings
	Report     Report // of the check against the base
}

// Lineage is where a generation came from. Empty fields are unknown.
type Lineage struct {
	BaseDigest string `json:"base_digest,omitempty"` // of the weights it was trained on
	Dataset    string `json:"dataset,omitempty"`     // digest of the training data
	Template   string `json:"template,omitempty"`    // digest of the chat template of that data
	Config     string `json:"config,omitempty"`      // digest of all that the training was told
	Job        string `json:"job,omitempty"`         // fine-tuning job
	Parent     string `json:"parent,omitempty"`      // generation that it was trained or mixed from
	Source     string `json:"source,omitempty"`      // "upload", "path …", "hf owner/name@revision", "job …", "mix …"
	// Metrics of the training, by name: train_loss, full_valid_loss, …
	Metrics map[string]float64 `json:"metrics,omitempty"`
}

// Settings are what requests get that choose the name, where they say nothing
// themselves, and who may choose it.
type Settings struct {
	Template          string   `json:"chat_template,omitempty"`
	System            string   `json:"system,omitempty"` // put before conversations that have no system message
	Stop              []string `json:"stop,omitempty"`   // added to the request's
	Temperature       *float32 `json:"temperature,omitempty"`
	TopP              *float32 `json:"top_p,omitempty"`
	TopK              *int     `json:"top_k,omitempty"`
	MinP              *float32 `json:"min_p,omitempty"`
	RepetitionPenalty *float32 `json:"repetition_penalty,omitempty"`
	MaxTokens         int      `json:"max_tokens,omitempty"`
	Keys              []string `json:"keys,omitempty"`                // ids or names of the API keys that may use it; empty: all
	RequestsPerMinute int      `json:"requests_per_minute,omitempty"` // of one key; 0: no limit
	TokensPerMinute   int      `json:"tokens_per_minute,omitempty"`   // of one key, prompt and answer; 0: no limit
	Pinned            bool     `json:"pinned,omitempty"`              // stays in memory
	// RequireVerdict: the name is given a generation only after an evaluation with a clear
	// win; nil: as RegistryOptions.RequireVerdict says.
	RequireVerdict *bool `json:"require_verdict,omitempty"`
}

// Event is a step in the history of a name.
type Event struct {
	Time       time.Time
	Action     string // add, replace, stage, promote, rollback, delete, settings
	Generation string
	By         string // id of an API key; empty: without one
	Note       string // the evaluation that a promotion rests on, or that it was forced, and against what
}

// Lease is a generation held by a request: its files stay until Release, whatever
// becomes of the name.
type Lease struct {
	Name       string // as registered; empty when chosen by generation alone
	Generation string
	Base       string
	Settings   Settings
	release    func()
}

// Release lets go; a second time it does nothing.
func (l *Lease) Release() {
	if l.release != nil {
		l.release()
		l.release = nil
	}
}

// Bases finds the models that adapters are checked against.
type Bases interface {
	// Base returns the model called id, "" for the default, and its id. The model
	// stays loaded until release is called.
	Base(ctx context.Context, id string) (base *Base, name string, release func(), err error)
}

// Ref is how a request names an adapter.
type Ref struct {
	Name       string // as registered; empty: by generation alone
	Generation string // whole digest, or its beginning with at least 8 digits; empty: what the name stands for now
}

// AddRequest is an adapter that gets a name. Exactly one of Path, Repo, Archive,
// Files and Adapter says where it comes from.
type AddRequest struct {
	Name string
	Base string // id of a model; "": the default

	Path     string    // folder or file under one of the roots
	Repo     string    // of Hugging Face: owner/name
	Revision string    // branch, tag or commit of Repo; "": main
	Archive  io.Reader // tar.gz or tar of a PEFT folder
	Files    []File    // of a PEFT folder, or one GGUF file
	Adapter  *Adapter  // in memory, as training makes it

	Replace  bool   // the name may be taken: it then stands for the new generation
	Expected string // with Replace: the generation that the name has to stand for now; "": any
	Stage    bool   // store it under the name, without answering for the name yet
	Shadow   bool   // the name may be that of a model, which it then hides
	By       string // id of an API key
	Notes    string
	Lineage  Lineage
	Settings *Settings // nil: those the name has
}

// File is an uploaded file.
type File struct {
	Name string
	io.Reader
}

// Change moves a name to another generation, deletes it, or changes its settings.
type Change struct {
	Generation string // to promote or roll back to; "" with promote: the staged one; with rollback: the one before
	From       string // promote: take the generation that this other name stands for
	Expected   string // generation that the name has to stand for now; "": any
	By         string // id of an API key
	Run        string // promote: the evaluation that it rests on; "": any that shows a clear win
	Force      bool   // promote: also without one
}

// GenerationInfo is a stored generation.
type GenerationInfo struct {
	Generation string
	Names      []string // that stand for it now
	Rank       int
	Bytes      int64
	Created    time.Time
	Leases     int
	Retired    bool // no name stands for it; kept for going back, or for its leases
}
