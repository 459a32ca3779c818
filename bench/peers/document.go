package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"graft/internal/app/bench"
	"graft/internal/kernel"
)

// notes are what was tried, kept by hand beside this program; the table is not.
const notesFile = "bench/peers/notes.md"

// document writes the page of the documentation. The roofline is that of a run that measures.
func (p *peers) document(ctx context.Context, path string, measured bool) error {
	notes, err := os.ReadFile(notesFile)
	if err != nil {
		return err
	}
	version, _, err := output(exec.CommandContext(ctx, "sh", "-c", `LD_LIBRARY_PATH="$1" "$1/llama-bench" --version 2>&1 || true`, "sh", p.llama))
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	title := fmt.Sprintf("%s, %s, %d threads", bench.CPUCores(), kernel.Impl(), p.threads)
	roof, ok := rooflineIn(string(old), title)
	if measured || !ok {
		now, _, err := output(exec.CommandContext(ctx, p.program, "bench", "roofline"))
		if err != nil {
			return err
		}
		roof = string(now)
	}
	return os.WriteFile(path, []byte(page(string(old), title, p.section(firstLine(version), roof), string(notes))), 0o644)
}

// rooflineIn is the roofline in the section of a machine.
func rooflineIn(page, title string) (roof string, ok bool) {
	_, section, _ := strings.Cut(page, "\n## "+title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, section, _ = strings.Cut(section, "\n```\n")
	roof, _, ok = strings.Cut(section, "```")
	return roof, ok
}

// intro begins the page.
const intro = `# Speed

Written by ` + "`go run ./bench/peers -doc docs/performance.md`" + `, never typed: each run writes the
section of the machine that it runs on. All take turns in rounds. Peers run at their best
setting of those named in the table: it is the one with the best median. Ratios are medians
of the rounds' ratios, above 1 in graft's favour; in brackets the lowest and the highest
round. The share is of a ceiling, that of the roofline below each table as it was in the
same rounds.
`

// page is the old one with the section of one machine, titled by its processor, put in the
// place of what it said of that machine, but that work which was not measured now keeps its row;
// sections of other machines stay.
func page(old, title, section, notes string) string {
	sections := map[string]string{}
	const heading = "\n## "
	read, _, _ := strings.Cut(notes, "\n") // the heading after the last machine
	machines, _, _ := strings.Cut(old, "\n"+read)
	for i, s := range strings.Split(machines, heading) {
		if name, body, ok := strings.Cut(s, "\n"); ok && i > 0 {
			sections[name] = strings.Trim(body, "\n")
		}
	}
	sections[title] = strings.Trim(renew(sections[title], section), "\n")
	var b strings.Builder
	b.WriteString(intro)
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		b.WriteString(heading + name + "\n\n" + sections[name] + "\n")
	}
	b.WriteString("\n" + notes)
	return b.String()
}

// renew is a section with the rows of the old one whose work it lacks, in their places.
func renew(old, section string) string {
	rows := map[string]string{} // by work
	rest, head := []string{}, []string{}
	var order []string
	for _, line := range strings.SplitAfter(section, "\n") {
		work, ok := workOf(line)
		switch {
		case ok:
			rows[work] = line
			order = append(order, work)
		case len(order) == 0:
			head = append(head, line)
		default:
			rest = append(rest, line)
		}
	}
	var all strings.Builder
	all.WriteString(strings.Join(head, ""))
	for _, line := range strings.SplitAfter(old, "\n") {
		if work, ok := workOf(line); ok {
			if now, ok := rows[work]; ok {
				line = now
				delete(rows, work)
			}
			all.WriteString(line)
		}
	}
	for _, work := range order {
		all.WriteString(rows[work])
	}
	return all.String() + strings.Join(rest, "")
}

// workOf is the first cell of a row of the table.
func workOf(line string) (work string, ok bool) {
	cells := strings.Split(line, " | ")
	work, ok = strings.CutPrefix(cells[0], "| ")
	return work, ok && len(cells) > 1 && work != "work"
}

// section is the table of this machine, and its roofline.
func (p *peers) section(version, roof string) string {
	var b strings.Builder
	b.WriteString(`| work | graft | peer | best setting of the peer | ratio | to reach | | share of the ceiling | measured |
|---|---|---|---|---|---|---|---|---|
`)
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
	fmt.Fprintf(&b, "\nPeer: %s. `graft bench roofline` in the same run:\n\n```\n%s```\n", version, roof)
	return b.String()
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
