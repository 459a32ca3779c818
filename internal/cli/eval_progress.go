package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// stages shows how far a work of several stages is: a bar for each on a terminal, a
// line every few seconds elsewhere.
type stages struct {
	e     *env
	tty   bool
	mu    sync.Mutex
	bars  *mpb.Progress
	bar   *mpb.Bar
	name  string
	begin time.Time
	last  time.Time
	first int // what was done when the stage began
}

func (e *env) newStages() *stages {
	s := &stages{e: e}
	_, s.tty = terminal(e.err)
	return s
}

// at tells that of a stage so much is done.
func (s *stages) at(name string, done, total int) {
	if s.e.quiet {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	fresh := name != s.name
	if fresh {
		s.end()
		s.name, s.begin, s.first = name, now, done
	}
	if !s.tty {
		if fresh || done == total || now.Sub(s.last) >= linePause {
			s.last = now
			fmt.Fprintf(s.e.err, "  %s: %d of %d%s\n", name, done, total, s.left(now, done, total))
		}
		return
	}
	if s.bar == nil {
		s.bars = mpb.New(mpb.WithOutput(s.e.err), mpb.WithWidth(40))
		s.bar = s.bars.AddBar(int64(total), mpb.PrependDecorators(decor.Name(name+" "), decor.CountersNoUnit("%d/%d ")),
			mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.OnComplete(decor.EwmaETA(decor.ET_STYLE_GO, 30), "")))
		s.bar.SetCurrent(int64(done))
		s.last = now
		return
	}
	s.bar.SetTotal(int64(total), false)
	s.bar.EwmaSetCurrent(int64(done), now.Sub(s.last))
	s.last = now
}

// left is ", 2m10s left", where that can be told.
func (s *stages) left(now time.Time, done, total int) string {
	made := done - s.first
	if made <= 0 || done >= total || now.Sub(s.begin) < time.Second {
		return ""
	}
	each := now.Sub(s.begin) / time.Duration(made)
	return fmt.Sprintf(", %v left", (each * time.Duration(total-done)).Round(time.Second))
}

func (s *stages) end() {
	if s.bar != nil {
		s.bar.Abort(false)
		s.bars.Wait()
		s.bar, s.bars = nil, nil
	}
}

// close draws the last state.
func (s *stages) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.name = ""
}
