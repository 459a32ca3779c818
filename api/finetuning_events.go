package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"graft/training/jobs"
)

// tuningEvent is OpenAI's.
type tuningEvent struct {
	ID        string         `json:"id"`
	Object    string         `json:"object"`
	CreatedAt int64          `json:"created_at"`
	Level     string         `json:"level"`
	Message   string         `json:"message"`
	Type      string         `json:"type"`
	Data      map[string]any `json:"data"` // null: none
}

func eventOf(e jobs.Event) tuningEvent {
	return tuningEvent{e.ID, "fine_tuning.job.event", e.Created.Unix(), e.Level, e.Message, e.Type, e.Data}
}

// events is GET /v1/fine_tuning/jobs/{id}/events: a page, the latest first; or with
// stream=true all from the first one on, and then those that come.
func (h tuningHandler) events(c *gin.Context) {
	q := query{c: c, strict: h.Options.Strict}
	limit, after, stream := q.integer("limit", pageEvents, 1, longestPage), q.text("after"), q.flag("stream")
	err := q.end()
	var j jobs.Job
	if err == nil {
		j, err = h.job(c)
	}
	var list []jobs.Event
	var more bool
	if err == nil && !(stream && after == "") { // which also says whether after is there
		list, more, err = h.Jobs.Events(c.Request.Context(), j.ID, after, limit)
		err = h.notAfter(err, after)
	}
	if err != nil {
		h.fail(c, err, "")
		return
	}
	if stream {
		h.follow(c, j.ID, after)
		return
	}
	out := struct {
		Object  string        `json:"object"`
		Data    []tuningEvent `json:"data"`
		HasMore bool          `json:"has_more"`
	}{"list", []tuningEvent{}, more}
	for _, e := range list {
		out.Data = append(out.Data, eventOf(e))
	}
	h.writeJSON(c, http.StatusOK, out)
}

func (h tuningHandler) notAfter(err error, after string) error {
	if err == nil || after == "" {
		return err
	}
	return unknownAfter(err, after)
}

// drainPoll is how often a stream of events looks whether the server shuts down.
const drainPoll = 500 * time.Millisecond

// follow sends events as they come. It ends with the job, and when the server shuts
// down: the job goes on at the next start, and so can the client, after the last event.
func (h tuningHandler) follow(c *gin.Context, id, after string) {
	ctx, cancel := context.WithCancelCause(c.Request.Context())
	defer cancel(nil)
	if h.Ready != nil {
		go func() {
			tick := time.NewTicker(drainPoll)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					if err := h.Ready(); err != nil {
						cancel(err)
						return
					}
				}
			}
		}()
	}
	s := h.openStream(c)
	defer s.close()
	for e, err := range h.Jobs.Follow(ctx, id, after) {
		if err != nil && context.Cause(ctx) != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			s.fail(h.explain(c, err, ""))
			return
		}
		data, err := json.Marshal(eventOf(e))
		if err != nil || s.send(data) != nil {
			return
		}
	}
	_ = s.send([]byte("[DONE]")) // a client that has left needs no end
}

// checkpoints is GET /v1/fine_tuning/jobs/{id}/checkpoints.
func (h tuningHandler) checkpoints(c *gin.Context) {
	q := query{c: c, strict: h.Options.Strict}
	limit, after := q.integer("limit", pageCheckpoints, 1, longestPage), q.text("after")
	err := q.end()
	var j jobs.Job
	if err == nil {
		j, err = h.job(c)
	}
	var list []jobs.Checkpoint
	var more bool
	if err == nil {
		list, more, err = h.Jobs.Checkpoints(c.Request.Context(), j.ID, after, limit)
		err = h.notAfter(err, after)
	}
	if err != nil {
		h.fail(c, err, "")
		return
	}
	type checkpoint struct {
		ID        string       `json:"id"`
		Object    string       `json:"object"`
		CreatedAt int64        `json:"created_at"`
		Job       string       `json:"fine_tuning_job_id"`
		Name      string       `json:"fine_tuned_model_checkpoint"`
		Step      int          `json:"step_number"`
		Metrics   jobs.Metrics `json:"metrics"`
	}
	out := struct {
		Object  string       `json:"object"`
		Data    []checkpoint `json:"data"`
		FirstID *string      `json:"first_id"`
		LastID  *string      `json:"last_id"`
		HasMore bool         `json:"has_more"`
	}{Object: "list", Data: []checkpoint{}, HasMore: more}
	for _, p := range list {
		out.Data = append(out.Data, checkpoint{p.ID, "fine_tuning.job.checkpoint", p.Created.Unix(), p.Job, p.Name, p.Step, p.Metrics})
	}
	if n := len(list); n > 0 {
		out.FirstID, out.LastID = &list[0].ID, &list[n-1].ID
	}
	h.writeJSON(c, http.StatusOK, out)
}
