package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	"graft/internal/store"
)

// webhookEvent is what endpoints are told, as OpenAI does.
type webhookEvent struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Type    string `json:"type"`
	Created int64  `json:"created_at"` // when the job ended
	Data    struct {
		ID string `json:"id"` // of the job
	} `json:"data"`
}

// tellEndpoints notes for each endpoint that a job has ended. It is part of the change
// that ends it, so that no end is lost, and none is told twice.
func (s *Service) tellEndpoints(ctx context.Context, tx store.JobsTx, r *record) error {
	e := webhookEvent{ID: randomID("evt_", 24), Object: "event", Type: fmt.Sprintf("fine_tuning.job.%s", r.Status), Created: r.Ended.Unix()}
	e.Data.ID = r.ID
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	for _, url := range s.o.Webhooks {
		w := store.Webhook{ID: randomID("wh_", 24), URL: url, Body: string(body), Created: s.o.Now().UTC()}
		if err := tx.AddWebhook(ctx, w); err != nil {
			return err
		}
	}
	return nil
}
