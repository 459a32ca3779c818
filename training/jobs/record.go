package jobs

import (
	"crypto/rand"
	"encoding/json"
	"math"
	"math/big"

	"graft/internal/store"
	"graft/training"
)

// record is a job as it is stored.
type record struct {
	Job
	// Copied: the files are in the job's folder.
	Copied bool
	// Turns counts pauses and resumptions, whose events are told apart by it.
	Turns int
	// Finishing: everything is trained, and nothing can stop it any more.
	Finishing bool
	// Held is the latest step, when its validation is still to come.
	Held *numbers
	// Last is the latest step whose event is there.
	Last Metrics
	// Base are the numbers before the first step.
	Base Metrics
}

// numbers are those of a step; nil: not finite.
type numbers struct {
	Step                 int
	Epoch, Rate          float64
	Loss, Accuracy, Norm *float64
	Skipped              bool
}

func numbersOf(p training.Report) *numbers {
	return &numbers{p.Step, p.Epoch, p.Rate, number(p.Loss), number(p.Accuracy), number(p.Norm), p.Skipped}
}

func readRecord(j store.Job) (record, error) {
	var r record
	err := json.Unmarshal([]byte(j.Body), &r)
	return r, err
}

func (r *record) row() (store.Job, error) {
	body, err := json.Marshal(r)
	return store.Job{ID: r.ID, Status: string(r.Status), Created: r.Created, Body: string(body)}, err
}

// note is an event, and with it perhaps a checkpoint, that a change brings about.
type note struct {
	key        string // a job has one event of a key
	level      string // "": info
	text       string
	data       map[string]any
	checkpoint *Checkpoint
}

// eventBody is what is stored of an event beside its columns.
type eventBody struct {
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Data    map[string]any `json:"data,omitempty"`
}

func readEvent(e store.JobEvent) (Event, error) {
	var b eventBody
	err := json.Unmarshal([]byte(e.Body), &b)
	return Event{ID: e.ID, Created: e.Created, Level: b.Level, Message: b.Message, Type: e.Type, Data: b.Data}, err
}

func readCheckpoint(c store.JobCheckpoint) (Checkpoint, error) {
	var out Checkpoint
	err := json.Unmarshal([]byte(c.Body), &out)
	out.ID, out.Job, out.Step, out.Created = c.ID, c.Job, c.Step, c.Created
	return out, err
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomID is a prefix and n letters and digits.
func randomID(prefix string, n int) string {
	b := []byte(prefix)
	for range n {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			panic(err) // the system's source of randomness never fails
		}
		b = append(b, letters[i.Int64()])
	}
	return string(b)
}

// number is v, nil where JSON has no such number.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
