package adapters

import (
	"context"
	"errors"
	"time"
)

// Errors of the registry, wrapped with what they concern.
var (
	ErrNotFound   = errors.New("there is no such adapter")
	ErrExists     = errors.New("the name is taken")
	ErrName       = errors.New("the name cannot be used") // see ParseName
	ErrMismatch   = errors.New("the name stands for another generation than expected")
	ErrForbidden  = errors.New("not allowed")                           // to use the adapter, or to read the path
	ErrInvalid    = errors.New("the adapter does not fit")              // the file or the model; the text lists every mismatch
	ErrTooLarge   = errors.New("the adapter is larger than is allowed") // file, rank, or what is in an archive
	ErrNoPath     = errors.New("there is no adapter at this path")
	ErrConflict   = errors.New("somebody else changed it at the same time")
	ErrQuota      = errors.New("no more adapters can be stored")
	ErrNoPrevious = errors.New("there is nothing to go back to")
)

// Entry is a name and what it stands for now.
type Entry struct {
	Name       string
	Generation string // "sha256:…"
	Base       string // id of the model it was checked against
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
	Job        string `json:"job,omitempty"`         // fine-tuning job
	Parent     string `json:"parent,omitempty"`      // generation that it was trained or mixed from
	Source     string `json:"source,omitempty"`      // "upload", "path …", "hf owner/name@revision", "job …", "mix …"
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
}

// Event is a step in the history of a name.
type Event struct {
	Time       time.Time
	Action     string // add, replace, stage, promote, rollback, delete, settings
	Generation string
	By         string // id of an API key; empty: without one
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
