package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"graft/internal/app"
)

// trainFlags are what `graft train` can be told.
type trainFlags struct {
	model, val, name, recipe, url, key string
	dpo, asJSON                        bool
	epochs, batch                      int
	seed                               int64
	graft                              []string // KEY=VALUE
}

func (e *env) train() *cobra.Command {
	var f trainFlags
	c := &cobra.Command{
		Use:   "train FILE",
		Short: "Fine-tune a model on a file of rows",
		Long: `Fine-tune a model on a file of rows (graft data check looks at one first). The plan
comes first, then the progress; Ctrl-C pauses the training, and the same command goes on
with it. The result is an adapter, which answers under its name as soon as a server
runs. The server that runs with the same data folder does the work where there is one;
otherwise this command does it.`,
		Example: `  graft train rows.jsonl --name support
  graft train rows.jsonl --val held-out.jsonl --recipe auto
  graft train rows.jsonl --graft rank=32 --graft learning_rate=1e-4 --epochs 4`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			seeded := c.Flags().Changed("seed")
			return e.runTrain(c.Context(), &f, args[0], seeded)
		},
	}
	p := c.Flags()
	p.StringVarP(&f.model, "model", "m", "", "train this `MODEL` (default: the first one configured)")
	p.StringVar(&f.val, "val", "", "validate with this `FILE` (default: a part of the rows is held out)")
	p.StringVar(&f.name, "name", "", "put `NAME` into the name of the result")
	p.StringVar(&f.recipe, "recipe", "", "auto: settings by the size of model and data, the default; or classic: LoRA on the attention")
	p.BoolVar(&f.dpo, "dpo", false, "the rows are preferences")
	p.IntVar(&f.epochs, "epochs", 0, "passes over the rows (default: by their number)")
	p.IntVar(&f.batch, "batch", 0, "rows of a step (default: by their number)")
	p.Int64Var(&f.seed, "seed", 0, "of everything that is drawn")
	p.StringArrayVar(&f.graft, "graft", nil, "any other setting of a job as `KEY=VALUE`, as in rank=32 (repeatable)")
	p.StringVar(&f.url, "url", "", "use the server at this `URL` (also GRAFT_URL)")
	p.StringVar(&f.key, "key", "", "API `KEY` for it (also GRAFT_API_KEY, OPENAI_API_KEY)")
	p.BoolVar(&f.asJSON, "json", false, "print the events as JSON")
	c.RegisterFlagCompletionFunc("model", completeModels)
	c.AddCommand(e.trainReplay())
	return c
}

func (e *env) runTrain(ctx context.Context, f *trainFlags, path string, seeded bool) error {
	body, err := f.request(seeded)
	if err != nil {
		return err
	}
	tag, err := tagOf(body, path, f.val)
	if err != nil {
		return err
	}
	flags := map[string]any{}
	if f.model != "" {
		flags["models"] = []string{f.model}
	}
	conf, err := e.load(flags)
	if err != nil {
		return err
	}
	_, running := app.Running(conf.DataDir)
	own := f.url == "" && os.Getenv("GRAFT_URL") == "" && !running
	cl, end, err := e.connectTo(ctx, chatFlags{url: f.url, key: f.key}, conf)
	if err != nil {
		return err
	}
	defer end()
	if f.model == "" || own { // a file has got an id of its own
		if body["model"], err = cl.model(ctx); err != nil {
			return err
		}
	}
	id, err := e.startTraining(ctx, cl, body, tag, path, f.val)
	if err != nil {
		return err
	}
	j, err := e.follow(ctx, cl, id, f.asJSON, "the same command, or graft jobs resume, goes on with it")
	if err != nil {
		return err
	}
	if !f.asJSON {
		fmt.Fprintln(e.out, j.FineTuned)
	}
	return nil
}

// follow watches a job until it has a result. An interrupt pauses it.
func (e *env) follow(ctx context.Context, cl *client, id string, asJSON bool, how string) (*jobInfo, error) {
	watching, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	j, err := e.watch(watching, cl, id, asJSON)
	if watching.Err() != nil || ctx.Err() != nil {
		stop() // a second one ends the program
		asked, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := cl.call(asked, http.MethodPost, jobPath(id, "pause"), nil, nil); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("paused %s: %s", id, how)
	}
	if err == nil {
		err = jobError(j)
	}
	return j, err
}

// request is the body of a job, without its files.
func (f *trainFlags) request(seeded bool) (map[string]any, error) {
	hyper, graft := map[string]any{}, map[string]any{}
	if f.epochs != 0 {
		hyper["n_epochs"] = f.epochs
	}
	if f.batch != 0 {
		hyper["batch_size"] = f.batch
	}
	if f.recipe != "" {
		graft["recipe"] = f.recipe
	}
	for _, s := range f.graft {
		key, text, ok := bytes.Cut([]byte(s), []byte("="))
		if !ok {
			return nil, fmt.Errorf("--graft %s: write KEY=VALUE, as in rank=32", s)
		}
		var value any
		if json.Unmarshal(text, &value) != nil {
			value = string(text) // schedule=linear
		}
		graft[string(key)] = value
	}
	if len(graft) > 0 {
		hyper["graft"] = graft
	}
	method := "supervised"
	if f.dpo {
		method = "dpo"
	}
	body := map[string]any{"method": map[string]any{"type": method, method: map[string]any{"hyperparameters": hyper}}}
	if f.model != "" {
		body["model"] = f.model
	}
	if f.name != "" {
		body["suffix"] = f.name
	}
	if seeded {
		body["seed"] = f.seed
	}
	return body, nil
}

// tagKey is the key of a job's metadata that tells the command that made it.
const tagKey = "graft_train"

// tagOf tells one training from another: settings and contents of the files.
func tagOf(body map[string]any, paths ...string) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(body); err != nil {
		return "", err
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		n, err := io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, n)
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// startTraining goes on with the job that the same command made, or makes one.
func (e *env) startTraining(ctx context.Context, cl *client, body map[string]any, tag, path, val string) (id string, err error) {
	var list struct {
		Data []jobInfo `json:"data"`
	}
	query := url.Values{"metadata[" + tagKey + "]": {tag}, "limit": {"20"}}
	if err := cl.call(ctx, http.MethodGet, jobsPath+"?"+query.Encode(), nil, &list); err != nil {
		return "", err
	}
	if i := slices.IndexFunc(list.Data, func(j jobInfo) bool { return !j.ended() }); i >= 0 {
		id := list.Data[i].ID
		if !e.quiet {
			fmt.Fprintf(e.err, "going on with %s\n", id)
		}
		return id, cl.call(ctx, http.MethodPost, jobPath(id, "resume"), nil, nil)
	}
	for key, path := range map[string]string{"training_file": path, "validation_file": val} {
		if path == "" {
			continue
		}
		if body[key], err = cl.upload(ctx, path); err != nil {
			return "", err
		}
	}
	body["metadata"] = map[string]string{tagKey: tag}
	var j jobInfo
	err = cl.call(ctx, http.MethodPost, jobsPath, body, &j)
	return j.ID, err
}

// upload sends a file of rows and returns its id.
func (c *client) upload(ctx context.Context, path string) (id string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		err := form.WriteField("purpose", "fine-tune")
		if err == nil {
			var part io.Writer
			if part, err = form.CreateFormFile("file", filepath.Base(path)); err == nil {
				_, err = io.Copy(part, f)
			}
		}
		w.CloseWithError(errors.Join(err, form.Close()))
	}()
	defer r.Close()
	resp, err := c.send(ctx, http.MethodPost, "/v1/files", form.FormDataContentType(), r)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	var file struct {
		ID string `json:"id"`
	}
	err = decodeAnswer(resp, &file)
	return file.ID, err
}
