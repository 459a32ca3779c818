package app

import (
	"fmt"

	"graft/training/jobs"
	"graft/training/webhook"
)

// openWebhooks has the ends of jobs told to the endpoints of the configuration.
func (a *App) openWebhooks(o *jobs.Options) error {
	endpoints := map[string]webhook.Key{}
	for i, w := range a.cfg.Training.Webhooks {
		key, err := webhook.ParseSecret(w.Secret)
		if err != nil {
			return fmt.Errorf("training.webhooks[%d]: %w", i, err)
		}
		endpoints[w.URL] = key
		o.Webhooks = append(o.Webhooks, w.URL)
	}
	a.webhooks = webhook.New(webhook.Options{Store: a.store, Endpoints: endpoints, Agent: "graft/" + a.version, Logger: a.log})
	o.Ended = a.webhooks.Wake
	return nil
}
