package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"graft/evalharness"
	"graft/internal/app"
	"graft/internal/chat"
	"graft/internal/config"
	"graft/internal/hub"
	"graft/serving"
	"graft/serving/ollama"
	"graft/serving/openai"
)

// evalFlags are those of all commands that evaluate.
type evalFlags struct {
	url, key string
	json     bool
}

func (f *evalFlags) register(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&f.url, "url", "", "use the server at this `URL` (also GRAFT_URL)")
	p.StringVar(&f.key, "key", "", "API `KEY` for it (also GRAFT_API_KEY, OPENAI_API_KEY)")
	p.BoolVar(&f.json, "json", false, "print JSON")
}

// exitCodes explains the exit status of commands that end with a verdict.
const exitCodes = `The exit status tells the verdict: 0 clear win, 10 tie, 11 loss, 12 not enough cases,
13 better by less than the margin, 20 too much forgotten, 1 an error.`

func (e *env) eval() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval TASK.yaml",
		Short: "Compare an adapter with its base's best prompt on a gold set",
		Long: `Compare an adapter with its base on a gold set that neither has seen. The base gets its
best prompt: instructions, solved examples (at random, and the nearest), a chain of
thought and answers held to the labels are tried on rows of the training data, and the
winner is frozen before the gold set is asked. Cases of the gold set that are in the
training data, or nearly, are refused. examples/task.yaml explains every key.

What was answered is kept in a journal: the same command goes on where an interrupted
one was. The verdict is noted with the adapter's generation (graft adapters show), where
promotions can demand one. graft eval metrics lists what answers can be measured by, models
that judge among it. ` + exitCodes,
		Example: `  graft eval task.yaml
  graft eval metrics
  graft eval task.yaml && graft adapters promote support --from support-new`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return resumable(e.runEval(c.Context(), &f, args[0], false))
		},
	}
	f.register(c)
	c.AddCommand(e.evalMetrics())
	return c
}

func (e *env) advise() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "advise TASK.yaml",
		Short: "Measure what prompts and retrieval reach, before any training",
		Long: `Measure what prompts, solved examples, a chain of thought and retrieval reach with the
base, before any training: quality, tokens, time and cost per correct answer of each
rung, which one is the cheapest that is tied with the best, and whether fine-tuning is
worth trying. The task is that of graft eval; its adapter is left out.`,
		Example: `  graft advise task.yaml
  graft advise task.yaml --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return resumable(e.runEval(c.Context(), &f, args[0], true))
		},
	}
	f.register(c)
	return c
}

func (e *env) runEval(ctx context.Context, f *evalFlags, path string, advise bool) error {
	task, err := evalharness.ReadTask(path)
	if err != nil {
		return err
	}
	conf, cl, end, err := e.evalServer(ctx, f, task)
	if err != nil {
		return err
	}
	defer end()
	o, err := e.evalOptions(ctx, cl, conf, task, advise)
	if err != nil {
		return err
	}
	res, err := e.evaluate(ctx, o)
	if err != nil {
		return err
	}
	page, err := writeReport(filepath.Join(o.Dir, task.Name, res.Settings.Hash[:12]), res)
	if err != nil {
		return err
	}
	if !advise {
		name, _, _ := strings.Cut(task.Adapter, "@")
		if err := cl.record(ctx, name, res); err != nil && !e.quiet {
			fmt.Fprintf(e.err, "note: %v\n", err)
		}
	}
	if f.json {
		err = e.printJSON(res)
	} else {
		e.printResult(res)
		fmt.Fprintf(e.out, "report: %s\n", page)
	}
	if err != nil || advise {
		return err
	}
	return verdictError(res.Verdict())
}

// evalServer finds or starts the server that has the task's models.
func (e *env) evalServer(ctx context.Context, f *evalFlags, task *evalharness.Task) (config.Config, *client, func(), error) {
	conf, err := e.load(nil)
	if err != nil {
		return conf, nil, nil, err
	}
	model := cmp.Or(task.Model, append(conf.Models, "")[0])
	if model == "" {
		return conf, nil, nil, errors.New("model: name the base in the task")
	}
	models := []string{model}
	if embedder := task.Retrieval.Embedder; embedder != "none" && embedder != model {
		models = append(models, embedder)
	}
	for _, m := range task.Specs() { // what metrics encode and judge with; an adapter's name is none to load
		_, known := hub.Lookup(m.Model)
		if (known || m.ModelID() != m.Model) && m.URL == "" && !slices.Contains(models, m.Model) {
			models = append(models, m.Model)
		}
	}
	if writer := task.Search.Proposer; writer != "" && task.Search.Propose > 0 && !slices.ContainsFunc(task.Remotes, func(r evalharness.Remote) bool { return r.Name == writer }) {
		if _, known := hub.Lookup(writer); known && !slices.Contains(models, writer) {
			models = append(models, writer)
		}
	}
	if conf, err = e.load(map[string]any{"models": models}); err != nil {
		return conf, nil, nil, err
	}
	_, running := app.Running(conf.DataDir)
	own := f.url == "" && os.Getenv("GRAFT_URL") == "" && !running
	cl, end, err := e.connectTo(ctx, chatFlags{url: f.url, key: f.key}, conf)
	if err != nil {
		return conf, nil, nil, err
	}
	if task.Model == "" || own {
		if task.Model, err = cl.model(ctx); err != nil { // a file has got an id of its own
			end()
			return conf, nil, nil, err
		}
	}
	return conf, cl, end, nil
}

// evalOptions wires a run to the server and to the task's other endpoints.
func (e *env) evalOptions(ctx context.Context, cl *client, conf config.Config, task *evalharness.Task, advise bool) (evalharness.Options, error) {
	o := evalharness.Options{Task: task, Dir: filepath.Join(conf.DataDir, "evals"), Advise: advise, Version: Version, Remotes: map[string]*evalharness.Endpoint{}}
	back := openai.New(openai.Options{BaseURL: cl.url + "/v1", Key: cl.key, Extensions: true})
	o.Base = &evalharness.Endpoint{Name: "graft", Backend: back, Price: task.Price}
	var err error
	if o.Base.Identity, err = fingerprint(ctx, back, task.Model); err != nil {
		return o, fmt.Errorf("model %s: %w", task.Model, err)
	}
	if name := task.Retrieval.Embedder; name != "none" {
		_, err := back.Embed(ctx, &serving.EmbedRequest{Model: name, Inputs: []serving.EmbedInput{{Text: "graft"}}})
		switch {
		case err == nil:
			o.Embedder = &evalharness.Endpoint{Name: "graft", Backend: back}
		case !errors.Is(err, serving.ErrModelNotFound):
			return o, fmt.Errorf("retrieval.embedder %s: %w", name, err)
		}
	}
	for _, m := range task.Remotes {
		ep, err := remoteEndpoint(m)
		if err != nil {
			return o, fmt.Errorf("remote %s: %w", m.Name, err)
		}
		o.Remotes[m.Name] = ep
	}
	if o.Judges, err = judgeEndpoints(ctx, back, task); err != nil {
		return o, err
	}
	if err := tryEncoders(ctx, back, task); err != nil {
		return o, err
	}
	if advise || task.Adapter == "" {
		return o, nil
	}
	var a adapterInfo
	name, wanted, _ := strings.Cut(task.Adapter, "@")
	if err := cl.call(ctx, http.MethodGet, adapterPath(name, ""), nil, &a); err != nil {
		return o, fmt.Errorf("adapter %s: %w", name, err)
	}
	o.Generation = a.Generation
	if wanted == "" {
		// A name that is given another generation meanwhile does not change the run.
		task.Adapter = name + "@" + strings.TrimPrefix(a.Generation, "sha256:")
	} else if !strings.HasPrefix(strings.TrimPrefix(a.Generation, "sha256:"), strings.TrimPrefix(wanted, "sha256:")) {
		o.Generation = wanted
	}
	if task.Forgetting == nil || *task.Forgetting {
		o.Forgetting = forgets(cl, back, task.Model, task.Adapter, a.Generation, a.Lineage)
	}
	if a.Lineage != nil && a.Lineage.Job != "" {
		o.TrainedOn, err = e.trainedOn(ctx, cl, a.Lineage.Job)
	}
	return o, err
}

// fingerprint asks a model for a token, to learn what identifies its answers.
func fingerprint(ctx context.Context, b serving.Backend, model string) (string, error) {
	s := serving.DefaultSampling()
	s.Temperature = 0
	res, err := b.Generate(ctx, &serving.Request{
		Model: model, Messages: []chat.Message{chat.Text("user", "Hi")}, Sampling: s, N: 1, MaxTokens: 1, Logprobs: -1, PromptLogprobs: -1,
	}, func(serving.Event) error { return nil })
	if err != nil {
		return "", err
	}
	return cmp.Or(res.Fingerprint, model), nil
}

// plainTokens are the ids of a text, without what the tokenizer adds by itself.
func (c *client) plainTokens(ctx context.Context, model, text string) ([]int32, error) {
	var got struct {
		Tokens []int32 `json:"tokens"`
	}
	body := map[string]any{"model": model, "prompt": text, "add_special_tokens": false}
	return got.Tokens, c.call(ctx, http.MethodPost, "/tokenize", body, &got)
}

// remoteEndpoint is another server of a task.
func remoteEndpoint(m evalharness.Remote) (*evalharness.Endpoint, error) {
	ep := &evalharness.Endpoint{Name: m.Name, Identity: m.Kind + " " + m.URL, Price: m.Price, Plain: true}
	key := ""
	if m.KeyEnv != "" {
		if key = os.Getenv(m.KeyEnv); key == "" {
			return nil, fmt.Errorf("the environment variable %s, which should hold its key, is empty", m.KeyEnv)
		}
	}
	if m.Kind == "ollama" {
		b, err := ollama.New(ollama.Options{BaseURL: m.URL})
		ep.Backend = b
		return ep, err
	}
	ep.Backend = openai.New(openai.Options{BaseURL: m.URL, Key: key})
	return ep, nil
}

// judgeEndpoints are where the judges of the task's metrics are asked: this server, or
// another one. A judge that is not there is better known before anything is asked.
func judgeEndpoints(ctx context.Context, own serving.Backend, task *evalharness.Task) (map[string]*evalharness.Endpoint, error) {
	out := map[string]*evalharness.Endpoint{}
	for _, m := range task.Specs() {
		if !m.Judges() {
			continue
		}
		ep := &evalharness.Endpoint{Name: "judge", Backend: own, Price: m.Price}
		var err error
		if m.URL != "" {
			ep, err = remoteEndpoint(evalharness.Remote{Name: "judge", Kind: "openai", URL: m.URL, KeyEnv: m.KeyEnv, Model: m.Model, Price: m.Price})
		} else {
			ep.Identity, err = fingerprint(ctx, own, m.ModelID())
		}
		if err != nil {
			return nil, fmt.Errorf("metric %s: judge %s: %w", m.Name, m.Model, err)
		}
		out[m.Name] = ep
	}
	return out, nil
}

// tryEncoders asks the models that metrics encode with, and their layers, for a word: what
// is not there is better known before a model has been asked for hours.
func tryEncoders(ctx context.Context, own *openai.Backend, task *evalharness.Task) error {
	for _, m := range task.Specs() {
		model := cmp.Or(m.ModelID(), task.Retrieval.Embedder)
		if !m.Encodes() || model == "none" { // which the run refuses by itself
			continue
		}
		_, err := own.EncodeTokens(ctx, &serving.TokenStatesRequest{Model: model, Texts: []string{"graft"}, Layer: m.Layer})
		if m.Name == "embedding_similarity" {
			_, err = own.Embed(ctx, &serving.EmbedRequest{Model: model, Inputs: []serving.EmbedInput{{Text: "graft"}}})
		}
		if err != nil {
			return fmt.Errorf("metric %s: model %s: %w", m.Name, model, err)
		}
	}
	return nil
}

// trainedOn fetches the files of the job that made an adapter, as far as they are there.
func (e *env) trainedOn(ctx context.Context, cl *client, job string) ([]evalharness.TrainedFile, error) {
	j, err := cl.job(ctx, job)
	var gone *refused
	if errors.As(err, &gone) && gone.status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []evalharness.TrainedFile
	for _, id := range []string{j.TrainingFile, j.ValidationFile} {
		if id == "" {
			continue
		}
		resp, err := cl.do(ctx, http.MethodGet, "/v1/files/"+id+"/content", nil)
		if errors.As(err, &gone) && gone.status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		rows, err := evalharness.ParseRows(resp.Body, id)
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		out = append(out, evalharness.TrainedFile{Name: id, Rows: rows})
	}
	return out, nil
}

// evaluate runs an evaluation and shows how far it is.
func (e *env) evaluate(ctx context.Context, o evalharness.Options) (*evalharness.Result, error) {
	p := e.newStages()
	defer p.close()
	o.Progress = p.at
	return evalharness.Run(ctx, o)
}
