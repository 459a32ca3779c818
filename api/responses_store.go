package api

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// ErrNoResponse is what a ResponseStore returns for an id that it does not hold.
var ErrNoResponse = errors.New("no response with this id is stored")

// ResponseStore keeps responses for GET and for previous_response_id. Body is
// JSON that only this package reads. A response belongs to the API key that
// made it: another owner's does not exist.
type ResponseStore interface {
	Put(ctx context.Context, owner, id string, body json.RawMessage) error
	// Get returns ErrNoResponse, wrapped or not, for an unknown id.
	Get(ctx context.Context, owner, id string) (json.RawMessage, error)
	// Delete returns ErrNoResponse, wrapped or not, for an unknown id.
	Delete(ctx context.Context, owner, id string) error
}

// MemoryResponses is a ResponseStore that forgets: the least recently used go
// first when there are too many, and all of them when the process ends.
type MemoryResponses struct {
	maxCount, maxBytes int

	mu    sync.Mutex
	bytes int
	used  list.List // of *memoryResponse, the latest first
	byID  map[string]*list.Element
}

type memoryResponse struct {
	owner, id string
	body      json.RawMessage
}

// NewMemoryResponses holds at most maxCount responses of maxBytes together.
func NewMemoryResponses(maxCount, maxBytes int) *MemoryResponses {
	return &MemoryResponses{maxCount: maxCount, maxBytes: maxBytes, byID: map[string]*list.Element{}}
}

// Put stores a response.
func (m *MemoryResponses) Put(_ context.Context, owner, id string, body json.RawMessage) error {
	if len(body) > m.maxBytes {
		return fmt.Errorf("response %s has %d bytes, more than all stored responses may have (%d)", id, len(body), m.maxBytes)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.byID[id]; ok {
		m.remove(e)
	}
	m.byID[id] = m.used.PushFront(&memoryResponse{owner, id, body})
	m.bytes += len(body)
	for m.used.Len() > m.maxCount || m.bytes > m.maxBytes {
		m.remove(m.used.Back())
	}
	return nil
}

// Get returns a stored response.
func (m *MemoryResponses) Get(_ context.Context, owner, id string) (json.RawMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byID[id]
	if !ok || e.Value.(*memoryResponse).owner != owner {
		return nil, ErrNoResponse
	}
	m.used.MoveToFront(e)
	return e.Value.(*memoryResponse).body, nil
}

// Delete forgets a response.
func (m *MemoryResponses) Delete(_ context.Context, owner, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byID[id]
	if !ok || e.Value.(*memoryResponse).owner != owner {
		return ErrNoResponse
	}
	m.remove(e)
	return nil
}

// remove must be called with mu held.
func (m *MemoryResponses) remove(e *list.Element) {
	r := m.used.Remove(e).(*memoryResponse)
	m.bytes -= len(r.body)
	delete(m.byID, r.id)
}
