package native

import (
	"context"
	"sync"

	"graft/serving"
)

// mailbox carries the events of one request from the engine to the goroutine
// that waits for them. The engine never waits: what is not yet read is kept, and
// there is never more of it than tokens were asked for.
type mailbox struct {
	mu     sync.Mutex
	events []serving.Event
	closed bool
	err    error
	ready  chan struct{} // holds a signal when there is something to read
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

func (m *mailbox) put(events ...serving.Event) {
	m.mu.Lock()
	m.events = append(m.events, events...)
	m.mu.Unlock()
	m.signal()
}

// close ends the stream, with an error or without. Later closes are ignored.
func (m *mailbox) close(err error) {
	m.mu.Lock()
	if !m.closed {
		m.closed, m.err = true, err
	}
	m.mu.Unlock()
	m.signal()
}

func (m *mailbox) signal() {
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// take waits for events and returns all there are. With open false these are
// the last. An error that closed the mailbox comes after the events before it.
func (m *mailbox) take(ctx context.Context) (events []serving.Event, open bool, err error) {
	for {
		m.mu.Lock()
		events, m.events = m.events, nil
		closed, err := m.closed, m.err
		m.mu.Unlock()
		if len(events) > 0 || closed {
			if err != nil && len(events) > 0 {
				m.signal()
				return events, true, nil
			}
			return events, !closed, err
		}
		select {
		case <-m.ready:
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		}
	}
}
