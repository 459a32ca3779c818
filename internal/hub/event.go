package hub

import "encoding/json"

// Event tells how a pull goes.
type Event struct {
	Kind   EventKind
	Model  string
	Source string
	File   string // what is being fetched, for EventProgress
	Done   int64  // bytes
	Total  int64  // bytes; 0: unknown
	Path   string // where the model is, for EventDone
	Err    error  // for EventFailed
}

// EventKind is the kind of an Event.
type EventKind string

// Kinds of events, in the order in which they can come.
const (
	EventWaiting  EventKind = "waiting"  // another process pulls the same model
	EventLicense  EventKind = "license"  // Source is the sentence to be shown
	EventSource   EventKind = "source"   // a source is being tried
	EventProgress EventKind = "progress" // bytes came
	EventFailed   EventKind = "failed"   // the source had to be given up
	EventDone     EventKind = "done"     // the model is installed
)

// MarshalJSON writes an event as one flat object.
func (e Event) MarshalJSON() ([]byte, error) {
	reason := ""
	if e.Err != nil {
		reason = e.Err.Error()
	}
	return json.Marshal(struct {
		Kind   EventKind `json:"event"`
		Model  string    `json:"model"`
		Source string    `json:"source,omitempty"`
		File   string    `json:"file,omitempty"`
		Done   int64     `json:"done,omitempty"`
		Total  int64     `json:"total,omitempty"`
		Path   string    `json:"path,omitempty"`
		Err    string    `json:"error,omitempty"`
	}{e.Kind, e.Model, e.Source, e.File, e.Done, e.Total, e.Path, reason})
}
