package jobs

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestWebhooks: each endpoint is told of each end of a job once, in the words of OpenAI,
// and of nothing else.
func TestWebhooks(t *testing.T) {
	ctx := context.Background()
	var woken atomic.Int32
	urls := []string{"http://127.0.0.1:1/a", "http://127.0.0.1:1/b"}
	b := openBench(t, t.TempDir(), newLender(t), func(o *Options) {
		o.Webhooks, o.Ended = urls, func() { woken.Add(1) }
	})
	b.files.write(t, "train", conversations(10))
	b.files.write(t, "few", conversations(3))
	ends := map[string]Job{}
	for status, file := range map[Status]string{Succeeded: "train", Failed: "few", Cancelled: "train"} {
		q := spec()
		q.TrainingFile, q.Hyper.Epochs = file, 1
		j, err := b.Create(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if status == Cancelled {
			for range 2 { // the second changes nothing
				if _, err := b.Cancel(ctx, j.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := b.Pause(ctx, j.ID); err != nil && status != Cancelled { // nobody is told
			t.Fatal(err)
		}
		ends[j.ID] = j
	}
	b.start(t)
	for id := range ends {
		if _, err := b.Resume(ctx, id); err != nil && !strings.Contains(err.Error(), "cancelled") {
			t.Fatal(err)
		}
		ends[id], _ = b.await(t, id)
	}
	list, err := b.store.DueWebhooks(ctx, time.Now().Add(time.Hour), 100)
	if err != nil || len(list) != 6 || woken.Load() != 3 {
		t.Fatalf("%d webhooks, woken %d times, %v", len(list), woken.Load(), err)
	}
	bodies := map[string][]string{} // of jobs
	for _, w := range list {
		var e struct {
			ID, Object, Type string
			Created          int64 `json:"created_at"`
			Data             map[string]string
		}
		if err := json.Unmarshal([]byte(w.Body), &e); err != nil {
			t.Fatal(err)
		}
		j := ends[e.Data["id"]]
		if e.Object != "event" || e.Type != "fine_tuning.job."+string(j.Status) || e.Created != j.Ended.Unix() || len(e.Data) != 1 ||
			!strings.HasPrefix(e.ID, "evt_") || !strings.HasPrefix(w.ID, "wh_") || !slices.Contains(urls, w.URL) {
			t.Errorf("%+v of %s", w, j.Status)
		}
		bodies[j.ID] = append(bodies[j.ID], w.Body)
	}
	for id, both := range bodies {
		if len(both) != 2 || both[0] != both[1] {
			t.Errorf("%s: %q", id, both)
		}
	}
	if len(bodies) != 3 {
		t.Errorf("of %d jobs", len(bodies))
	}
}
