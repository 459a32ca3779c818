// Command speculate measures what guessing tokens (engine.speculate) gains, by kind of task. Two
// servers, with and without, take turns. Both must answer the same.
//
//	go run ./bench/speculate [-rounds N] [-set KEY=VALUE] [-model ID] [-json] [TASK…]
//
// No question comes twice, so that nothing but what is alike in a task is learned.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"

	"graft/bench/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "speculate:", err)
		os.Exit(1)
	}
}

// settings are the values of -set.
type settings []string

func (s *settings) String() string { return fmt.Sprint(*s) }

// Set takes one more.
func (s *settings) Set(v string) error {
	*s = append(*s, "--set", v)
	return nil
}

func run(ctx context.Context) error {
	var set settings
	rounds := flag.Int("rounds", 5, "rounds")
	id := flag.String("model", "smollm2-135m-instruct", "model to serve")
	asJSON := flag.Bool("json", false, "print the results as JSON")
	flag.Var(&set, "set", "a setting of both servers, such as engine.exact=false; may come again")
	flag.Parse()
	for _, name := range flag.Args() {
		if !slices.ContainsFunc(tasks, func(t task) bool { return t.name == name }) {
			return fmt.Errorf("there is no task %q", name)
		}
	}
	dir, err := os.MkdirTemp("", "graft-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := harness.Build(ctx, dir)
	if err != nil {
		return err
	}
	model, err := harness.Model(ctx, *id)
	if err != nil {
		return err
	}
	var servers [2]*harness.Server // without, and with
	for i := range servers {
		data, err := os.MkdirTemp(dir, "data-")
		if err != nil {
			return err
		}
		if servers[i], err = harness.StartGraft(ctx, program, data, model, append(slices.Clone(set), "--set", fmt.Sprintf("engine.speculate=%t", i == 1))...); err != nil {
			return err
		}
		defer servers[i].Stop()
	}
	r := harness.NewReport(os.Stderr)
	fmt.Fprintf(r.Log, "%s, %d threads, %s %v\n", r.CPU, r.Threads, *id, set)
	for _, t := range tasks {
		if flag.NArg() > 0 && !slices.Contains(flag.Args(), t.name) {
			continue
		}
		if err := measure(ctx, r, servers, &t, *rounds); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if *asJSON {
		return r.JSON(os.Stdout)
	}
	if missed := r.Missed(); len(missed) > 0 {
		return errors.New("missed: " + strings.Join(missed, "; "))
	}
	return nil
}

// measure adds the tokens per second of a task by both servers. A first round warms up and does not count.
func measure(ctx context.Context, r *harness.Report, servers [2]*harness.Server, t *task, rounds int) error {
	var speeds [2][]float64
	guessesBefore, rightBefore, err := guessed(ctx, servers[1])
	if err != nil {
		return err
	}
	for round := range rounds + 1 {
		var said [2][]string
		for turn := range servers {
			i := (turn + round) % 2
			tokens, seconds := 0, 0.0
			for q := 0; q < questions; q += t.streams {
				var bodies []harness.Body
				for s := range t.streams {
					bodies = append(bodies, t.ask(round*questions+q+s))
				}
				answers, took, err := harness.Chats(ctx, servers[i], bodies)
				if err != nil {
					return err
				}
				for _, a := range answers {
					tokens += a.Usage.Completion
					said[i] = append(said[i], a.Choices[0].Message.Content)
				}
				seconds += took.Seconds()
			}
			if round > 0 {
				speeds[i] = append(speeds[i], float64(tokens)/seconds)
			}
		}
		if !slices.Equal(said[0], said[1]) {
			return fmt.Errorf("round %d: the answers differ: %q and %q", round, said[0], said[1])
		}
	}
	guesses, right, err := guessed(ctx, servers[1])
	if err != nil {
		return err
	}
	guesses, right = guesses-guessesBefore, right-rightBefore
	r.Add(t.name, "tokens/s", speeds[0]...)
	r.Add(t.name+", guessed", "tokens/s", speeds[1]...)
	r.Add(t.name+", guesses that were right", "%", 100*right/max(1, guesses))
	r.AtLeast(t.name+", ratio", "", harness.MedianRatio(speeds[1], speeds[0]), t.reach)
	return nil
}

// guessed is how many tokens a server has guessed and computed so far, and how many of these were right.
func guessed(ctx context.Context, s *harness.Server) (guesses, right float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	found := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		for name, dst := range map[string]*float64{"graft_draft_tokens_total{": &guesses, "graft_draft_accepted_tokens_total{": &right} {
			if line := lines.Text(); strings.HasPrefix(line, name) {
				if *dst, err = strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64); err != nil {
					return 0, 0, err
				}
				found++
			}
		}
	}
	if found != 2 {
		return 0, 0, fmt.Errorf("%s does not count guesses", s.Name)
	}
	return guesses, right, nil
}
