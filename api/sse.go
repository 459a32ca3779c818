package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// eventStream sends server-sent events, each flushed at once. While nothing
// is sent (a request may wait in the queue) it writes comments, so that proxies
// between do not give up. The status is decided by the first write: until then
// an error can still be an ordinary response.
type eventStream struct {
	c       *gin.Context
	control *http.ResponseController
	timeout time.Duration // for the client to take a write
	kind    string        // content type

	mu      sync.Mutex
	buf     []byte
	started bool
	latest  time.Time
	err     error

	closing sync.Once
	stop    chan struct{}
	done    chan struct{}
}

// openStream begins a stream of events; close must be called.
func (s *server) openStream(c *gin.Context) *eventStream {
	return s.open(c, "text/event-stream; charset=utf-8", s.Options.KeepAlive)
}

// openLines begins a stream of JSON lines, which have no comments to keep them
// alive; close must be called.
func (s *server) openLines(c *gin.Context) *eventStream {
	return s.open(c, "application/x-ndjson", 0)
}

func (s *server) open(c *gin.Context, kind string, keepAlive time.Duration) *eventStream {
	e := &eventStream{
		c: c, kind: kind, control: http.NewResponseController(c.Writer), timeout: s.Options.WriteTimeout,
		latest: time.Now(), stop: make(chan struct{}), done: make(chan struct{}),
	}
	exchangeOf(c).stream = true
	go e.keepAlive(keepAlive)
	return e
}

func (e *eventStream) keepAlive(every time.Duration) {
	defer close(e.done)
	if every <= 0 {
		return
	}
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-timer.C:
		}
		e.mu.Lock()
		silent := time.Since(e.latest)
		if silent >= every {
			e.write([]byte(": keep-alive\n\n"))
			silent = 0
		}
		e.mu.Unlock()
		timer.Reset(every - silent)
	}
}

// close ends the keep-alive; it may be called again.
func (e *eventStream) close() {
	e.closing.Do(func() { close(e.stop) })
	<-e.done
}

// send sends one unnamed event; an error means that the client has left.
func (e *eventStream) send(data []byte) error { return e.event("", data) }

// event sends one event with its name.
func (e *eventStream) event(name string, data []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.buf = e.buf[:0]
	if name != "" {
		e.buf = append(append(append(e.buf, "event: "...), name...), '\n')
	}
	e.buf = append(append(append(e.buf, "data: "...), data...), "\n\n"...)
	e.write(e.buf)
	return e.err
}

// line sends one line of JSON.
func (e *eventStream) line(data []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.buf = append(append(e.buf[:0], data...), '\n')
	e.write(e.buf)
	return e.err
}

// write must be called with mu held.
func (e *eventStream) write(b []byte) {
	if e.err != nil {
		return
	}
	if !e.started {
		e.started = true
		h := e.c.Writer.Header()
		h.Set("Content-Type", e.kind)
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no") // nginx would hold events back
		setProcessing(e.c)
		e.c.Status(http.StatusOK)
	}
	e.latest = time.Now()
	if e.timeout > 0 {
		if err := e.control.SetWriteDeadline(e.latest.Add(e.timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			e.err = err
			return
		}
	}
	if _, e.err = e.c.Writer.Write(b); e.err != nil {
		return
	}
	e.c.Writer.Flush()
}

// fail sends err as OpenAI's clients expect it in a stream.
func (e *eventStream) fail(err *Error) {
	data, _ := json.Marshal(err.body()) // plain strings
	_ = e.send(data)
}
