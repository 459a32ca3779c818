package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"graft/internal/app/bench"
	"graft/internal/kernel"
)

// notes are what was tried, kept by hand beside this program; the table is not.
const notesFile = "bench/peers/notes.md"

// document writes the page of the documentation.
func (p *peers) document(ctx context.Context, path string) error {
	notes, err := os.ReadFile(notesFile)
	if err != nil {
		return err
	}
	version, _, err := output(exec.CommandContext(ctx, "sh", "-c", `LD_LIBRARY_PATH="$1" "$1/llama-bench" --version 2>&1 || true`, "sh", p.llama))
	if err != nil {
		return err
	}
	roof, _, err := output(exec.CommandContext(ctx, p.program, "bench", "roofline"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Speed

Written by `+"`go run ./bench/peers -doc docs/performance.md`"+`, never typed. %s, %s, %d threads,
in rounds in which all take turns. Peers run at their best setting of those named in
the table: it is the one with the best median. Ratios are medians of the rounds' ratios,
above 1 in graft's favour; in brackets the lowest and the highest round.

The share is of a ceiling, that of the roofline below as it was in the same rounds.

| work | graft | peer | best setting of the peer | ratio | to reach | | share of the ceiling | measured |
|---|---|---|---|---|---|---|---|---|
`, bench.CPUName(), kernel.Impl(), p.threads)
	for _, r := range p.rows {
		reach, met := "", ""
		if r.Reach > 0 {
			reach, met = fmt.Sprintf("%g", r.Reach), "reached"
			if !r.Met {
				met = "**missed**"
			}
		}
		value, ratio := "", ""
		if r.Peer != "" {
			value, ratio = fmt.Sprintf("%.4g", r.Value), fmt.Sprintf("%.2f (%.2f–%.2f)", r.Ratio, r.Low, r.High)
		}
		fmt.Fprintf(&b, "| %s | %.4g %s | %s | %s | %s | %s | %s | %s | %d rounds, %s |\n", r.Work, r.Graft, r.Unit, value, r.Peer, ratio, reach, met, r.share(), r.Rounds, r.Day)
	}
	fmt.Fprintf(&b, "\nPeer: %s\n\n## Roofline\n\n`graft bench roofline` in the same run:\n\n```\n%s```\n\n%s", firstLine(version), roof, notes)
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// share is what the table says of a row's ceiling.
func (r *row) share() string {
	switch {
	case r.Of == "":
		return ""
	case r.ShareReach == 0:
		return fmt.Sprintf("%.2f of %s", r.Share, r.Of)
	case r.ShareMet:
		return fmt.Sprintf("%.2f of %s, %g reached", r.Share, r.Of, r.ShareReach)
	}
	return fmt.Sprintf("%.2f of %s, %g **missed**", r.Share, r.Of, r.ShareReach)
}

// firstLine is the first line that says a version.
func firstLine(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "version") {
			return "llama.cpp " + strings.TrimSpace(line)
		}
	}
	return "llama.cpp"
}
