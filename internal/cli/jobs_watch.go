package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

func (e *env) watchJob(f *adapterFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "watch ID",
		Short:   "Follow a job until it ends",
		Example: `  graft jobs watch ftjob-9a7K…`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			return e.withServer(c.Context(), f, conf, false, func(cl *client) error {
				j, err := e.watch(c.Context(), cl, args[0], f.json)
				if err != nil {
					return err
				}
				return jobError(j)
			})
		},
	}
}

// jobError is why a job has no result.
func jobError(j *jobInfo) error {
	switch {
	case j.Status == "failed" && j.Error != nil:
		return errors.New(j.Error.Message)
	case j.Status != "succeeded":
		return fmt.Errorf("%s is %s", j.ID, j.Status)
	}
	return nil
}

// jobEvent is an event of a job as servers describe it.
type jobEvent struct {
	ID      string         `json:"id"`
	Created int64          `json:"created_at"`
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Type    string         `json:"type"`
	Data    map[string]any `json:"data"`
}

// watch shows the events of a job as they come, until it has ended or waits for
// somebody to resume it.
func (e *env) watch(ctx context.Context, cl *client, id string, asJSON bool) (*jobInfo, error) {
	v := &jobView{e: e, json: asJSON}
	_, v.tty = terminal(e.err)
	defer v.close()
	resp, err := cl.do(ctx, http.MethodGet, jobPath(id, "events")+"?stream=true", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			break
		}
		var ev jobEvent
		if err := json.Unmarshal([]byte(data), &ev); err != nil {
			return nil, fmt.Errorf("events of %s: %w", cl.url, err)
		}
		if err := v.event(ev); err != nil {
			return nil, err
		}
		if strings.HasPrefix(ev.Message, "Plan: ") && !asJSON {
			if err := v.plan(ctx, cl, id); err != nil {
				return nil, err
			}
		}
		if strings.HasPrefix(ev.Message, pausedMessage) {
			if j, err := cl.job(ctx, id); err != nil || j.Status == "paused" {
				return j, err
			}
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	j, err := cl.job(ctx, id)
	if err == nil && !j.ended() {
		err = fmt.Errorf("the server has ended; %s is %s and goes on when a server runs", id, j.Status)
	}
	return j, err
}

// pausedMessage begins what a job's events say when it is paused.
const pausedMessage = "Fine-tuning job paused"

func (c *client) job(ctx context.Context, id string) (*jobInfo, error) {
	j := &jobInfo{}
	return j, c.call(ctx, http.MethodGet, jobPath(id, ""), nil, j)
}

// jobView shows events: a bar on a terminal, lines elsewhere, or JSON.
type jobView struct {
	e     *env
	json  bool
	tty   bool
	bars  *mpb.Progress // nil before the first step
	bar   *mpb.Bar
	loss  string
	speed string
	last  time.Time
}

func (v *jobView) event(ev jobEvent) error {
	if v.json {
		return json.NewEncoder(v.e.out).Encode(ev)
	}
	if v.e.quiet {
		return nil
	}
	step, _ := ev.Data["step"].(float64)
	validated := ev.Data["full_valid_loss"] != nil
	if ev.Type != "metrics" {
		v.say(ev.Message)
		return nil
	}
	if v.tty {
		v.move(int64(step), ev.Data)
		if validated {
			v.say(ev.Message)
		}
		return nil
	}
	if total, _ := ev.Data["total_steps"].(float64); validated || step <= 1 || step == total || time.Since(v.last) >= linePause {
		v.last = time.Now()
		text := "  " + ev.Message
		if rate, ok := ev.Data["tokens_per_second"].(float64); ok {
			text += fmt.Sprintf(" (%.0f tokens/s)", rate)
		}
		v.say(text)
	}
	return nil
}

// plan shows what was chosen, and why.
func (v *jobView) plan(ctx context.Context, cl *client, id string) error {
	if v.e.quiet {
		return nil
	}
	j, err := cl.job(ctx, id)
	if err != nil || j.Graft.Plan == nil {
		return err
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, c := range j.Graft.Plan.Choices {
		fmt.Fprintf(w, "  %s\t%v\t%s\n", c.Name, c.Value, c.Why)
	}
	w.Flush()
	v.say(strings.TrimSuffix(text.String(), "\n"))
	return nil
}

// move draws the bar.
func (v *jobView) move(step int64, data map[string]any) {
	total, _ := data["total_steps"].(float64)
	if loss, ok := data["train_loss"].(float64); ok {
		v.loss = fmt.Sprintf("loss %.4f", loss)
	}
	if rate, ok := data["tokens_per_second"].(float64); ok {
		v.speed = fmt.Sprintf("%.0f tokens/s", rate)
	}
	now := time.Now()
	if v.bar == nil {
		v.bars = mpb.New(mpb.WithOutput(v.e.err), mpb.WithWidth(40))
		v.bar = v.bars.AddBar(int64(total),
			mpb.PrependDecorators(decor.CountersNoUnit("step %d/%d ")),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return v.loss + ", " + v.speed + " " }),
				decor.OnComplete(decor.EwmaETA(decor.ET_STYLE_GO, 30), "")))
		v.bar.SetCurrent(step)
		v.last = now
		return
	}
	v.bar.EwmaSetCurrent(step, now.Sub(v.last))
	v.last = now
}

// say prints a line above the bar.
func (v *jobView) say(text string) {
	var w io.Writer = v.e.err
	if v.bars != nil {
		w = v.bars
	}
	fmt.Fprintln(w, text)
}

// close draws the last state and ends the bar.
func (v *jobView) close() {
	if v.bar == nil {
		return
	}
	v.bar.Abort(false)
	v.bars.Wait()
	v.bar, v.bars = nil, nil
}
