package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"graft/internal/tokenizer"
	"graft/internal/weights"
)

func (e *env) tokenize() *cobra.Command {
	var model string
	var special, add, decode, asJSON, idsOnly bool
	c := &cobra.Command{
		Use:   "tokenize [TEXT]",
		Short: "Show the tokens of a text",
		Long: `Show the tokens of a text as a model sees them, one a line: number, bytes and
text. Without TEXT, standard input is read. --decode turns numbers into text.`,
		Example: `  graft tokenize "Hello, world"
  graft tokenize --special "<|im_start|>user"
  graft tokenize --decode 19556 28 905
  graft tokenize --ids --model ./model.gguf < book.txt`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			flags := map[string]any{}
			if model != "" {
				flags["models"] = []string{model}
			}
			conf, err := e.load(flags)
			if err != nil {
				return err
			}
			text := strings.Join(args, " ")
			if len(args) == 0 {
				if f, ok := e.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
					return fmt.Errorf("give a TEXT, or text on standard input; see `graft tokenize --help`")
				}
				data, err := io.ReadAll(e.in)
				if err != nil {
					return err
				}
				text = string(data)
			}
			p := e.newProgress(false)
			l, err := e.hub(conf).Pull(c.Context(), conf.Models[0], p.event)
			p.close()
			if err != nil {
				return err
			}
			t, err := openTokenizer(l.Path)
			if err != nil {
				return err
			}
			if decode {
				return e.printText(t, text)
			}
			return e.printTokens(t, t.Encode(text, tokenizer.EncodeOptions{AddSpecial: add, ParseSpecial: special}), asJSON, idsOnly)
		},
	}
	f := c.Flags()
	f.StringVarP(&model, "model", "m", "", "take the tokenizer of this `MODEL`")
	f.BoolVar(&special, "special", false, "read control tokens in the text as such")
	f.BoolVar(&add, "add-special", false, "add what the model expects around a text, such as BOS")
	f.BoolVar(&decode, "decode", false, "the arguments are numbers of tokens: print their text")
	f.BoolVar(&idsOnly, "ids", false, "print the numbers only, on one line")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	c.RegisterFlagCompletionFunc("model", completeModels)
	return c
}

// openTokenizer reads the tokenizer of a GGUF file or a model folder.
func openTokenizer(path string) (*tokenizer.Tokenizer, error) {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return tokenizer.FromFolder(path)
	}
	g, err := weights.OpenGGUF(path)
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.FromGGUF(g.Meta)
	return t, cmp.Or(err, g.Close())
}

func (e *env) printTokens(t *tokenizer.Tokenizer, ids []int32, asJSON, idsOnly bool) error {
	switch {
	case asJSON:
		type token struct {
			ID      int32  `json:"id"`
			Text    string `json:"text"` // where the bytes are no whole runes, U+FFFD
			Bytes   []int  `json:"bytes"`
			Control bool   `json:"control,omitempty"`
		}
		out := []token{}
		for _, id := range ids {
			raw := []int{}
			for _, b := range t.Bytes(id) {
				raw = append(raw, int(b))
			}
			out = append(out, token{id, string(t.Bytes(id)), raw, t.IsControl(id)})
		}
		return json.NewEncoder(e.out).Encode(out)
	case idsOnly:
		words := make([]string, len(ids))
		for i, id := range ids {
			words[i] = strconv.Itoa(int(id))
		}
		_, err := fmt.Fprintln(e.out, strings.Join(words, " "))
		return err
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	for _, id := range ids {
		note := ""
		if t.IsControl(id) {
			note = "\tcontrol " + t.Text(id)
		}
		fmt.Fprintf(w, "%d\t%q%s\n", id, t.Bytes(id), note)
	}
	if !e.quiet {
		fmt.Fprintf(w, "%d tokens\n", len(ids))
	}
	return w.Flush()
}

// printText prints what token numbers stand for.
func (e *env) printText(t *tokenizer.Tokenizer, numbers string) error {
	var ids []int32
	for _, word := range strings.FieldsFunc(numbers, func(r rune) bool { return strings.ContainsRune(" \t\r\n,[]", r) }) {
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil || n < 0 || int(n) >= t.Size() {
			return fmt.Errorf("%q is no token number: they go from 0 to %d", word, t.Size()-1)
		}
		ids = append(ids, int32(n))
	}
	_, err := fmt.Fprintln(e.out, t.Decode(ids, false))
	return err
}
