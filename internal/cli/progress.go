package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"graft/internal/hub"
)

// progress shows how a pull goes: bars on a terminal, a line every few seconds
// elsewhere, or JSON.
type progress struct {
	e     *env
	json  *json.Encoder
	tty   bool
	bars  *mpb.Progress // nil when nothing is being fetched, or not on a terminal
	bar   *mpb.Bar
	file  string
	first int64     // bytes of file that were there before
	done  int64     // bytes of file at the last report
	start time.Time // of file
	last  time.Time // when a line was printed, or the bar was moved
}

// linePause is the time between two lines of progress.
const linePause = 3 * time.Second

func (e *env) newProgress(asJSON bool) *progress {
	p := &progress{e: e}
	if asJSON {
		p.json = json.NewEncoder(e.out)
	} else {
		_, p.tty = terminal(e.err)
	}
	return p
}

// close draws the last state and ends the bars.
func (p *progress) close() {
	p.endBar()
	if p.bars != nil {
		p.bars.Wait()
		p.bars = nil
	}
}

func (p *progress) event(ev hub.Event) {
	if p.json != nil {
		if ev.Kind != hub.EventProgress || p.due(ev, time.Second) {
			p.json.Encode(ev)
		}
		return
	}
	if p.e.quiet {
		return
	}
	switch ev.Kind {
	case hub.EventWaiting:
		p.say("another graft is fetching %s: waiting for it", ev.Model)
	case hub.EventLicense:
		p.say("%s", ev.Source)
	case hub.EventSource:
		p.say("fetching %s from %s", ev.Model, ev.Source)
	case hub.EventProgress:
		p.moved(ev)
	case hub.EventFailed:
		p.endBar()
	case hub.EventDone:
		p.close()
		p.say("%s is complete: %s, sha256 verified", ev.Model, hub.Size(ev.Done))
	}
}

// say prints a line above the bars.
func (p *progress) say(format string, args ...any) {
	var w io.Writer = p.e.err
	if p.bars != nil {
		w = p.bars
	}
	fmt.Fprintf(w, format+"\n", args...)
}

// due tells whether a pause has passed since the last report, or the file
// begins or ends. It notes where the file began.
func (p *progress) due(ev hub.Event, pause time.Duration) bool {
	now := time.Now()
	switch {
	case ev.File != p.file:
		p.file, p.first, p.start = ev.File, ev.Done, now
	case ev.Done > p.done && ev.Done == ev.Total:
	case now.Sub(p.last) < pause:
		return false
	}
	p.last, p.done = now, ev.Done
	return true
}

// moved shows bytes of a file that came.
func (p *progress) moved(ev hub.Event) {
	if !p.tty {
		if p.due(ev, linePause) {
			p.say("%s", p.line(ev, time.Now()))
		}
		return
	}
	if p.bar == nil || ev.File != p.file {
		p.endBar()
		p.due(ev, 0)
		if p.bars == nil {
			p.bars = mpb.New(mpb.WithOutput(p.e.err), mpb.WithWidth(40))
		}
		p.bar = p.bars.AddBar(ev.Total,
			mpb.PrependDecorators(decor.Name(ev.File+" "), decor.Counters(decor.SizeB1000(0), "% .1f / % .1f")),
			mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.EwmaSpeed(decor.SizeB1000(0), "% .1f", 30),
				decor.Name(" "), decor.OnComplete(decor.EwmaETA(decor.ET_STYLE_GO, 30), "")))
		p.bar.SetCurrent(ev.Done)
		return
	}
	now := time.Now()
	p.bar.SetTotal(ev.Total, false)
	p.bar.EwmaSetCurrent(ev.Done, now.Sub(p.last))
	p.last = now
}

// line is "file 12.0 MB of 98.4 MB (12%), 5.1 MB/s, 17s left".
func (p *progress) line(ev hub.Event, now time.Time) string {
	s := fmt.Sprintf("  %s %s", ev.File, hub.Size(ev.Done))
	if ev.Total > 0 {
		s += fmt.Sprintf(" of %s (%d%%)", hub.Size(ev.Total), 100*ev.Done/ev.Total)
	}
	rate := float64(ev.Done-p.first) / now.Sub(p.start).Seconds()
	if now.Sub(p.start) < time.Second/10 || rate <= 0 {
		return s
	}
	s += fmt.Sprintf(", %s/s", hub.Size(int64(rate)))
	if left := ev.Total - ev.Done; left > 0 {
		s += fmt.Sprintf(", %v left", time.Duration(float64(left)/rate*1e9).Round(time.Second))
	}
	return s
}

// endBar leaves the bar as it is when it is full, and removes it otherwise.
func (p *progress) endBar() {
	if p.bar == nil {
		return
	}
	p.bar.Abort(!p.bar.Completed())
	p.bar = nil
	p.file = ""
}
