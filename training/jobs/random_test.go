package jobs

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// TestRandom: twenty jobs are paused, resumed and cancelled at random while they are
// worked on.
func TestRandom(t *testing.T) {
	q := spec()
	q.Hyper.Batch = 2
	d := disturb(t, q, nil)
	d.add(t, 20)
	stop := d.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	chaos(ctx, t, d.bench, 1)
	stop()
	count := d.settle(t)
	if count[Succeeded] == 0 || count[Cancelled] == 0 {
		t.Errorf("%v: too little has happened", count)
	}
	t.Log(count)
}

// TestKilled: the process is killed with SIGKILL again and again, until all jobs have
// ended.
func TestKilled(t *testing.T) {
	q := spec()
	q.Hyper.Batch, q.Settings.EvalSteps = 1, pointer(5)
	d := disturb(t, q, nil)
	d.add(t, 5)
	r := rand.New(rand.NewPCG(3, 4))
	kills := 0
	for ; d.open(t) > 0; kills++ {
		if kills > 200 {
			t.Fatal("the jobs never end")
		}
		// On slow machines a child needs longer to get anywhere.
		d.killAfter(t, time.Duration(40+r.IntN(120)+kills*4)*time.Millisecond)
	}
	if count := d.settle(t); count[Succeeded] != len(d.ids) || kills < 5 {
		t.Errorf("%v after %d kills", count, kills)
	}
	t.Logf("%d kills", kills)
}
