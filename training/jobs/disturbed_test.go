package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// disturbance is jobs of one kind, to which things happen, and what has become of one that
// nothing has happened to.
type disturbance struct {
	*bench
	dir    string
	spec   Spec
	ids    []string
	digest string   // of the undisturbed result
	steps  []string // its metrics
	points int      // its checkpoints
}

// disturb opens a bench for jobs of a spec, after one of them was left alone in another.
func disturb(t *testing.T, q Spec, change func(*Options)) *disturbance {
	t.Helper()
	l := newLender(t)
	q.ValidationFile = "valid"
	open := func(dir string) *bench {
		b := openBench(t, dir, l, func(o *Options) {
			o.Webhooks = []string{"http://127.0.0.1:1"}
			if change != nil {
				change(o)
			}
		})
		b.files.write(t, "train", conversations(12))
		b.files.write(t, "valid", conversations(3))
		return b
	}
	d := &disturbance{spec: q, dir: t.TempDir()}
	quiet := open(t.TempDir())
	quiet.start(t)
	j, err := quiet.Create(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	j, events := quiet.await(t, j.ID)
	list, _, err := quiet.Checkpoints(t.Context(), j.ID, "", maxCheckpoints)
	if err != nil || j.Status != Succeeded || len(list) == 0 {
		t.Fatalf("%s %v, %d checkpoints, %v", j.Status, j.Error, len(list), err)
	}
	d.digest, d.steps, d.points = quiet.files.digest(j.Model), metricsOf(events), len(list)
	d.bench = open(d.dir)
	return d
}

func metricsOf(events []Event) (list []string) {
	for _, e := range events {
		if e.Type == "metrics" {
			list = append(list, fmt.Sprint(e.Message, e.Data["train_loss"], e.Data["valid_loss"], e.Data["grad_norm"]))
		}
	}
	return list
}

// add makes n jobs more.
func (d *disturbance) add(t *testing.T, n int) {
	t.Helper()
	for range n {
		j, err := d.Create(t.Context(), d.spec)
		if err != nil {
			t.Fatal(err)
		}
		d.ids = append(d.ids, j.ID)
	}
}

// open is how many jobs have not ended.
func (b *bench) open(t *testing.T) int {
	t.Helper()
	list, err := b.store.Jobs().In(t.Context(), string(Validating), string(Queued), string(Running), string(Paused))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// chaos pauses, resumes and cancels jobs at random until ctx ends, the running one above
// all.
func chaos(ctx context.Context, t *testing.T, b *bench, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 5))
	for ctx.Err() == nil {
		list, err := b.store.Jobs().In(ctx, string(Validating), string(Queued), string(Running), string(Paused))
		if err != nil || len(list) == 0 {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		id := list[r.IntN(len(list))].ID
		if running, err := b.store.Jobs().In(ctx, string(Running)); err == nil && len(running) > 0 && r.IntN(2) == 0 {
			id = running[0].ID
		}
		switch r.IntN(24) {
		case 0:
			_, err = b.Cancel(ctx, id)
		case 1, 2, 3, 4, 5:
			var j Job
			if j, err = b.Pause(ctx, id); err == nil && j.Status != Paused {
				t.Errorf("paused: %s", j.Status)
			}
		default:
			_, err = b.Resume(ctx, id)
		}
		if err != nil && !errors.Is(err, ErrState) && ctx.Err() == nil {
			t.Error(err)
		}
		time.Sleep(time.Duration(r.IntN(15)) * time.Millisecond)
	}
}

// settle lets all jobs end, and holds them to what the undisturbed one came to, bit by
// bit, with each step noted once. Of those that were cancelled no result is published;
// endpoints are told once of each end; and nothing is left on the disk.
func (d *disturbance) settle(t *testing.T) map[Status]int {
	t.Helper()
	ctx := t.Context()
	for _, id := range d.ids {
		if _, err := d.Resume(ctx, id); err != nil && !errors.Is(err, ErrState) {
			t.Fatal(err)
		}
	}
	stop := d.start(t)
	count := map[Status]int{}
	for _, id := range d.ids {
		j, events := d.await(t, id)
		count[j.Status]++
		published := d.files.digest(j.Suffixed)
		list, _, err := d.Checkpoints(ctx, id, "", maxCheckpoints)
		switch j.Status {
		case Succeeded:
			if published != d.digest {
				t.Errorf("%s: published %.8s, undisturbed %.8s", id, published, d.digest)
			}
			if got, want := strings.Join(metricsOf(events), "\n"), strings.Join(d.steps, "\n"); got != want {
				t.Errorf("%s: steps\n%s\nwant\n%s", id, got, want)
			}
			if err != nil || len(list) != d.points {
				t.Errorf("%s: %d checkpoints, want %d; %v", id, len(list), d.points, err)
			}
		case Cancelled:
			if published != "" || j.Model != "" {
				t.Errorf("%s is cancelled and published", id)
			}
		default:
			t.Errorf("%s: %s %v", id, j.Status, j.Error)
		}
		for _, c := range list {
			if d.files.digest(c.Name) == "" {
				t.Errorf("%s is listed, and not there", c.Name)
			}
		}
	}
	stop()
	d.toldOnce(t)
	if changed, err := filepath.Glob(filepath.Join(d.dir, "files", "*.changed")); err != nil || len(changed) > 0 {
		t.Errorf("published twice, with other numbers: %v %v", changed, err)
	}
	if err := d.tidy(ctx); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(d.dir, "jobs")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	return count
}

// toldOnce: there is one webhook for each job.
func (d *disturbance) toldOnce(t *testing.T) {
	t.Helper()
	list, err := d.store.DueWebhooks(t.Context(), time.Now().Add(time.Hour), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, w := range list {
		var e webhookEvent
		if err := json.Unmarshal([]byte(w.Body), &e); err != nil {
			t.Fatal(err)
		}
		times[e.Data.ID]++
	}
	for _, id := range d.ids {
		if times[id] != 1 {
			t.Errorf("endpoints were told %d times of the end of %s", times[id], id)
		}
	}
}

// Variables of the environment by which TestChild is told what to do.
const (
	childDir   = "GRAFT_TEST_JOBS_DIR"
	childChaos = "GRAFT_TEST_JOBS_CHAOS" // seed of what it does to its jobs; "": nothing
)

// TestChild is the process that is killed.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("only for TestKilled and TestSoak")
	}
	b := openBench(t, dir, newLender(t), func(o *Options) {
		o.Webhooks = []string{"http://127.0.0.1:1"}
		o.Keep = 1 << 20 // minutes make more than the default remembers
	})
	if seed, err := strconv.ParseUint(os.Getenv(childChaos), 10, 64); err == nil {
		go chaos(context.Background(), t, b, seed) // until the process is killed
	}
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// killAfter lets a process work on the jobs for a while, and kills it.
func (d *disturbance) killAfter(t *testing.T, while time.Duration, environ ...string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestChild$")
	child.Env = append(append(os.Environ(), childDir+"="+d.dir), environ...)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(while)
	child.Process.Kill()
	child.Wait()
}
