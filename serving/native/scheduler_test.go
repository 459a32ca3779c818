package native

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// world drives a scheduler by text commands; every token sampled is the next
// capital letter of its sequence.
type world struct {
	s    *scheduler
	seqs map[string]*sequence
	all  []*sequence
	plan []chunk
	lent map[string]*lending
	held [][]int32 // blocks that were lent
}

func TestSchedulerScenarios(t *testing.T) {
	scenarios(t, "testdata/sched", func(t *testing.T) func(*testing.T, string) string {
		w := &world{seqs: map[string]*sequence{}}
		return func(t *testing.T, cmd string) string {
			out := w.run(t, cmd)
			w.check(t)
			return out
		}
	})
}

func (w *world) run(t *testing.T, cmd string) string {
	verb, name, args := arguments(cmd)
	num := func(key string, missing int) int {
		v, ok := args[key]
		if !ok {
			return missing
		}
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("%s: %v", cmd, err)
		}
		return n
	}
	switch verb {
	case "new":
		args[name] = ""
		b := newBlocks(num("blocks", 16), num("size", 4), noCopy)
		_, b.noCache = args["nocache"]
		w.s = newScheduler(policy{rows: num("rows", 16), mixedRows: num("mixed", 16), logits: num("logits", 16), running: num("running", 4), queue: num("queue", 8)}, b)
		return ""
	case "lend":
		l := &lending{num("n", 1), make(chan []int32, 1)}
		if w.lent == nil {
			w.lent = map[string]*lending{}
		}
		w.lent[name] = l
		w.s.lend(l)
		return w.state()
	case "back":
		w.s.takeBack(<-w.lent[name].blocks)
		delete(w.lent, name)
		return w.state()
	case "add":
		return w.add(name, args, num)
	case "step":
		n := 1
		if name != "" {
			n, _ = strconv.Atoi(name)
		}
		var out strings.Builder
		for range n {
			out.WriteString(w.step())
		}
		return out.String()
	case "preempt":
		w.s.preempt(w.seqs[name])
		return w.state()
	case "end":
		w.s.end(w.seqs[name])
		return w.state()
	case "expire":
		var names []string
		for _, q := range w.s.expired(time.Unix(int64(num("t", 0)), 0)) {
			names = append(names, q.name)
			w.s.end(q)
		}
		return fmt.Sprintf("expired: %s\n%s", strings.Join(names, " "), w.state())
	case "state":
		return w.state()
	}
	t.Fatalf("unknown command %q", cmd)
	return ""
}

func (w *world) add(name string, args map[string]string, num func(string, int) int) string {
	var seqs []*sequence
	for i := range num("n", 1) {
		q := &sequence{name: name, client: args["client"], key: args["key"], ids: ids(args["ids"])}
		q.prompt = len(q.ids)
		q.limit = q.prompt + num("max", 1)
		if i > 0 {
			q.name = fmt.Sprintf("%s.%d", name, i)
		}
		if _, ok := args["score"]; ok && i == 0 {
			q.scoreTo = q.prompt - 1
		}
		if d, ok := args["deadline"]; ok {
			n, _ := strconv.Atoi(d)
			q.deadline = time.Unix(int64(n), 0)
		}
		seqs = append(seqs, q)
	}
	displaced, err := w.s.add(seqs)
	if err != nil {
		return fmt.Sprintf("%s: %v\n", name, err)
	}
	for _, q := range seqs {
		w.seqs[q.name] = q
		w.all = append(w.all, q)
	}
	if displaced != nil {
		w.s.end(displaced)
		return fmt.Sprintf("%s: accepted, %s is refused\n", name, displaced.name)
	}
	return ""
}

func (w *world) step() string {
	before := w.s.preemptions
	w.plan = w.s.next(w.plan)
	var out strings.Builder
	for _, c := range w.plan {
		q := c.seq
		fmt.Fprintf(&out, "%s: %d+%d", q.name, q.computed, c.n)
		if c.logits > 0 {
			fmt.Fprintf(&out, " logits=%d", c.logits)
		}
		samples := c.samples()
		w.s.computed(c)
		if samples {
			q.ids = append(q.ids, 'A'+int32(len(q.ids)-q.prompt))
			fmt.Fprintf(&out, " → %c", q.ids[len(q.ids)-1])
			if len(q.ids) == q.limit {
				w.s.end(q)
				out.WriteString(" end")
			}
		}
		out.WriteString("\n")
	}
	if len(w.plan) == 0 {
		out.WriteString("nothing to do\n")
	}
	if n := w.s.preemptions - before; n > 0 {
		fmt.Fprintf(&out, "preempted: %d\n", n)
	}
	return out.String() + w.state()
}

func (w *world) state() string {
	var out strings.Builder
	out.WriteString("  running:")
	for _, q := range w.s.running {
		fmt.Fprintf(&out, " %s=%d/%d", q.name, q.computed, len(q.ids))
		if q.cached > 0 {
			fmt.Fprintf(&out, "(%d cached)", q.cached)
		}
	}
	out.WriteString("; waiting:")
	for _, q := range w.s.queue.preempted {
		fmt.Fprintf(&out, " !%s", q.name)
	}
	for _, c := range w.s.queue.clients {
		fmt.Fprintf(&out, " [%s:", c.client)
		for _, q := range c.seqs {
			out.WriteString(" " + q.name)
		}
		out.WriteString("]")
	}
	if w.s.held > 0 {
		fmt.Fprintf(&out, " held %d", w.s.held)
	}
	fmt.Fprintf(&out, "; blocks: %d used, %d idle, %d free", w.s.blocks.used(), w.s.blocks.idle, len(w.s.blocks.free))
	if w.s.blocks.lent > 0 || len(w.s.owed) > 0 {
		fmt.Fprintf(&out, ", %d lent", w.s.blocks.lent)
	}
	for _, l := range w.s.owed {
		fmt.Fprintf(&out, ", %d owed", l.n)
	}
	out.WriteString("\n")
	return out.String()
}

// check holds the scheduler to what must be true between steps.
func (w *world) check(t *testing.T) {
	t.Helper()
	var tables []*table
	for _, q := range w.all {
		tables = append(tables, &q.table)
		held := len(q.table.blocks)
		if running := slices.Contains(w.s.running, q); running != (q.state == stateRunning) || !running && held > 0 {
			t.Fatalf("%s: state %d, running %v, %d blocks", q.name, q.state, running, held)
		}
		if q.state == stateRunning && held < w.s.blocks.need(q.computed) {
			t.Fatalf("%s: %d blocks for %d tokens", q.name, held, q.computed)
		}
	}
	if err := w.s.blocks.check(tables); err != nil {
		t.Fatal(err)
	}
	if len(w.s.running) > w.s.policy.running {
		t.Fatalf("%d running", len(w.s.running))
	}
}

// lendAtRandom takes blocks out and puts them back, at most n altogether.
func (w *world) lendAtRandom(rnd *rand.Rand, n int) {
	for _, l := range w.s.owed {
		n -= l.n
	}
	if w.lent == nil {
		w.lent = map[string]*lending{}
	}
	for name, l := range w.lent {
		select {
		case ids := <-l.blocks:
			w.held = append(w.held, ids)
			delete(w.lent, name)
		default:
		}
	}
	for _, ids := range w.held {
		n -= len(ids)
	}
	switch {
	case rnd.IntN(6) == 0 && n > 0 && len(w.lent) == len(w.s.owed):
		l := &lending{1 + rnd.IntN(n), make(chan []int32, 1)}
		w.lent[fmt.Sprint(len(w.all), len(w.held), n, l.n)] = l
		w.s.lend(l)
	case rnd.IntN(10) == 0 && len(w.held) > 0:
		i := rnd.IntN(len(w.held))
		w.s.takeBack(w.held[i])
		w.held = slices.Delete(w.held, i, i+1)
	}
}

// Whatever comes, in whatever order: every sequence that is not cancelled ends,
// every budget holds, and nothing is lost.
func TestSchedulerRandom(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		b := newBlocks(10+rnd.IntN(20), 1+rnd.IntN(4), noCopy)
		b.noCache = rnd.IntN(4) == 0
		s := newScheduler(policy{rows: 2 + rnd.IntN(20), mixedRows: rnd.IntN(20), logits: 1 + rnd.IntN(8), running: 1 + rnd.IntN(6), queue: 1 + rnd.IntN(20)}, b)
		w := &world{s: s, seqs: map[string]*sequence{}}
		for round := range 800 {
			if rnd.IntN(3) == 0 && round < 500 {
				var prompt strings.Builder
				for range 1 + rnd.IntN(len(b.meta)*b.size/2) {
					prompt.WriteByte('a' + byte(rnd.IntN(2)))
				}
				args := map[string]string{"ids": prompt.String(), "client": string(rune('x' + rnd.IntN(3))), "n": strconv.Itoa(1 + rnd.IntN(3)), "max": strconv.Itoa(rnd.IntN(6))}
				if rnd.IntN(4) == 0 {
					args["score"] = ""
				}
				w.add(fmt.Sprintf("s%d", round), args, func(key string, missing int) int {
					if v, ok := args[key]; ok {
						n, _ := strconv.Atoi(v)
						return max(n, 1)
					}
					return missing
				})
			}
			if rnd.IntN(20) == 0 && len(w.all) > 0 {
				s.end(w.all[rnd.IntN(len(w.all))])
			}
			w.lendAtRandom(rnd, len(b.meta)/4)
			s.settle()
			idle := s.idle()
			w.step()
			rows, logits := 0, 0
			for _, c := range w.plan {
				rows, logits = rows+c.n, logits+c.logits
			}
			if rows > s.rows || logits > s.policy.logits || (rows == 0) != idle {
				t.Fatalf("seed %d: %d rows of %d, %d logits of %d, idle %v", seed, rows, s.rows, logits, s.policy.logits, idle)
			}
			w.check(t)
		}
		for range 5000 {
			if s.idle() {
				break
			}
			w.step()
		}
		s.settle()
		if len(s.owed) > 0 {
			t.Fatalf("seed %d: blocks are owed at the end: %s", seed, w.state())
		}
		w.check(t)
		if !s.idle() || s.held != 0 || b.used() != 0 {
			t.Fatalf("seed %d: not done: %s", seed, w.state())
		}
		for _, q := range w.all {
			if q.state != stateEnded || q.scored < q.scoreTo && len(q.ids) == q.limit {
				t.Fatalf("seed %d: %s ended in state %d with %d of %d rows scored", seed, q.name, q.state, q.scored, q.scoreTo)
			}
		}
	}
}
