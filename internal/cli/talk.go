package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"
)

// talk is a conversation in the terminal.
type talk struct {
	*env
	client  *client
	request chatRequest
}

const talkHelp = `  /system TEXT   set the system message (no TEXT: take it away)
  /clear         forget the conversation, but not the system message
  /exit          end (as do Ctrl-D and /quit)
  Ctrl-C         stop the answer
  """            begin and end a text of several lines
`

// run answers the prompt, or all of standard input when that is no terminal,
// or what is typed until the user leaves.
func (t *talk) run(ctx context.Context, prompt string) error {
	in, isFile := t.in.(*os.File)
	interactive := isFile && term.IsTerminal(int(in.Fd()))
	if prompt == "" && !interactive {
		text, err := io.ReadAll(t.in)
		if err != nil {
			return err
		}
		prompt = strings.TrimSpace(string(text))
		if prompt == "" {
			return errors.New("nothing was asked: give a PROMPT, or text on standard input")
		}
	}
	if prompt != "" {
		return t.ask(ctx, prompt)
	}
	if !t.quiet {
		fmt.Fprintf(t.err, "%s at %s; /help lists what can be typed\n", t.request.Model, t.client.url)
	}
	return t.converse(ctx, newLines(in, t.out))
}

// converse reads and answers until the user leaves.
func (t *talk) converse(ctx context.Context, in lines) error {
	for ctx.Err() == nil {
		text, err := readText(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		command, rest, _ := strings.Cut(text, " ")
		switch {
		case text == "":
		case command == "/exit" || command == "/quit":
			return nil
		case command == "/help":
			fmt.Fprint(t.out, talkHelp)
		case command == "/clear":
			t.setSystem(t.system())
		case command == "/system":
			t.setSystem(strings.TrimSpace(rest))
		case strings.HasPrefix(command, "/") && !strings.Contains(command[1:], "/"):
			fmt.Fprintf(t.out, "there is no %s; /help lists what there is\n", command)
		default:
			if err := t.ask(ctx, text); err != nil && ctx.Err() == nil {
				fmt.Fprintf(t.err, "%s %v\n", t.paint(t.err, "31", "graft:"), err)
			}
		}
	}
	return nil
}

// system is the system message, or "".
func (t *talk) system() string {
	if m := t.request.Messages; len(m) > 0 && m[0].Role == "system" {
		return m[0].Content
	}
	return ""
}

// setSystem begins the conversation anew.
func (t *talk) setSystem(text string) {
	t.request.Messages = nil
	if text != "" {
		t.request.Messages = []turn{{"system", text}}
	}
}

// ask sends the conversation with one more turn and prints the answer. An
// interrupt stops the answer; what came of it stays in the conversation.
func (t *talk) ask(ctx context.Context, text string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	before := len(t.request.Messages)
	t.request.Messages = append(t.request.Messages, turn{"user", text})
	a, err := t.client.chat(ctx, t.request, func(s string) { fmt.Fprint(t.out, s) })
	if a.Text != "" {
		fmt.Fprintln(t.out)
		t.request.Messages = append(t.request.Messages, turn{"assistant", a.Text})
	} else {
		t.request.Messages = t.request.Messages[:before]
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(t.err, t.paint(t.err, "2", "stopped"))
		return nil
	}
	if err == nil && !t.quiet {
		fmt.Fprintln(t.err, t.paint(t.err, "2", a.summary()))
	}
	return err
}

// summary is "12 tokens, first after 0.05 s, 80.1 tokens/s".
func (a answer) summary() string {
	s := fmt.Sprintf("%d tokens, first after %.2f s", a.Tokens, a.First.Seconds())
	if rest := (a.Total - a.First).Seconds(); a.Tokens > 1 && rest > 0 {
		s += fmt.Sprintf(", %.1f tokens/s", float64(a.Tokens-1)/rest)
	}
	if a.Finish == "length" {
		s += "; cut at the limit of tokens"
	}
	return s
}

// lines are read one by one, without their ends. io.EOF: no more.
type lines interface {
	readLine(prompt string) (string, error)
}

// readText reads a line, or several between """.
func readText(in lines) (string, error) {
	line, err := in.readLine("> ")
	if err != nil {
		return "", err
	}
	const fence = `"""`
	first, ok := strings.CutPrefix(strings.TrimSpace(line), fence)
	if !ok {
		return strings.TrimSpace(line), nil
	}
	var text strings.Builder
	for line = first; ; {
		if before, ok := strings.CutSuffix(line, fence); ok {
			text.WriteString(before)
			return strings.TrimSpace(text.String()), nil
		}
		text.WriteString(line + "\n")
		if line, err = in.readLine("… "); err != nil {
			return "", err
		}
	}
}

// newLines edits lines on a terminal (arrows, history), which is in raw mode
// only while a line is typed, so that Ctrl-C stops an answer in between.
func newLines(in *os.File, out io.Writer) lines {
	screen := struct {
		io.Reader
		io.Writer
	}{in, out}
	return &editor{in, term.NewTerminal(screen, "")}
}

type editor struct {
	in *os.File
	t  *term.Terminal
}

func (e *editor) readLine(prompt string) (string, error) {
	state, err := term.MakeRaw(int(e.in.Fd()))
	if err != nil {
		return "", err
	}
	defer term.Restore(int(e.in.Fd()), state)
	if w, h, err := term.GetSize(int(e.in.Fd())); err == nil && w > 0 {
		e.t.SetSize(w, h)
	}
	e.t.SetPrompt(prompt)
	return e.t.ReadLine()
}
