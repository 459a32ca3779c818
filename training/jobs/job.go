package jobs

import (
	"errors"
	"time"
)

// Errors of the service, wrapped with what they concern.
var (
	ErrNotFound = errors.New("there is no such fine-tuning job")
	ErrState    = errors.New("the job's state does not allow it")
	ErrFull     = errors.New("too many fine-tuning jobs are waiting")
	ErrNoFile   = errors.New("there is no such file")
	ErrClosed   = errors.New("fine-tuning is being shut down")
	ErrNoBase   = errors.New("the model is not served")
	ErrNoRoom   = errors.New("there is no room for the result") // of a Publisher
)

// InvalidError is a Spec that no job is made of.
type InvalidError struct {
	Param   string // as in requests: "method.supervised.hyperparameters.n_epochs"
	Message string
}

func (e *InvalidError) Error() string { return e.Param + ": " + e.Message }

// Status is where a job stands.
type Status string

// The states of a job, as OpenAI calls them.
const (
	Validating Status = "validating_files"
	Queued     Status = "queued"
	Running    Status = "running"
	Paused     Status = "paused"
	Succeeded  Status = "succeeded"
	Failed     Status = "failed"
	Cancelled  Status = "cancelled"
)

// Ended tells whether nothing will become of the job any more.
func (s Status) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Job is a fine-tuning job.
type Job struct {
	ID      string // ftjob-…
	Created time.Time
	Started time.Time // zero: not yet
	Ended   time.Time // finished_at; zero: not yet
	// EstimatedFinish is zero where nobody can say.
	EstimatedFinish time.Time
	Status          Status
	Spec            Spec // as asked for; the model's id and the seed are resolved
	// Hyper is Spec's with "auto" resolved, once the files are validated; before
	// that, zeros are "auto".
	Hyper         Hyper
	Model         string   // name of the result when there is one: fine_tuned_model
	ResultFiles   []string // ids
	Report        string   // id of the file with what the checks of the data found; "": not checked yet
	TrainedTokens int64    // 0: not known yet
	Step, Steps   int      // done, and in all; 0: not known yet
	Error         *Error   // nil: none
	Plan          *Plan    // nil: not planned yet
	// Suffixed is the name that the result will have, and that of a checkpoint
	// without its ":ckpt-step-N".
	Suffixed string
}

// Error is why a job failed.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"` // empty: none
}

// Event is something that happened to a job.
type Event struct {
	ID      string // ftevent-…
	Created time.Time
	Level   string // info, warn, error
	Message string
	Type    string         // message, metrics
	Data    map[string]any // of metrics: numbers by OpenAI's names, and graft's own; nil: none
}

// Checkpoint is an adapter that a job has published on its way.
type Checkpoint struct {
	ID      string // ftckpt_…
	Created time.Time
	Job     string
	Name    string // of the model: "ft:…:ckpt-step-N"
	Step    int
	Metrics Metrics
}

// Metrics are the numbers of a step. nil: not evaluated.
type Metrics struct {
	Step              int      `json:"step"`
	TrainLoss         *float64 `json:"train_loss,omitempty"` // in nats
	TrainAccuracy     *float64 `json:"train_mean_token_accuracy,omitempty"`
	ValidLoss         *float64 `json:"valid_loss,omitempty"`
	ValidAccuracy     *float64 `json:"valid_mean_token_accuracy,omitempty"`
	FullValidLoss     *float64 `json:"full_valid_loss,omitempty"`
	FullValidAccuracy *float64 `json:"full_valid_mean_token_accuracy,omitempty"`
	// Of a checkpoint, and of the base before the first step: bits per byte of the
	// neutral text, and how many more than the base's they are, as a share of those.
	NeutralBits *float64 `json:"neutral_bits_per_byte,omitempty"`
	Forgetting  *float64 `json:"forgetting,omitempty"`
}
