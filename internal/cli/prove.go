package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"graft/evalharness"
	"graft/internal/config"
)

// proveFlags are what `graft prove` can be told.
type proveFlags struct {
	evalFlags
	trainFlags
	gold         string
	metric       string
	margin       float64
	maxTokens    int
	budget       int
	instructions []string
	embedder     string
	propose      int
	proposer     string
	arms         []string
	forcePromote bool
	noForgetting bool
}

func (e *env) prove() *cobra.Command {
	var f proveFlags
	c := &cobra.Command{
		Use:   "prove DATA.jsonl",
		Short: "Train an adapter, and prove whether it beats the base's best prompt",
		Long: `Train an adapter, and prove whether it beats the base's best prompt. The rows are
checked and divided into those to train on, those to choose with, and a gold set that
neither side sees (or the one of --gold). First the base's best prompt is searched for, and
what it leaves to gain is said; then the adapter is trained. All rungs of the ladder (prompt,
examples, chain of thought, retrieval, adapter, adapter with retrieval) are asked the gold
set, what was forgotten is measured, and a report is written. The verdict is noted with the
adapter. On a clear win NAME stands for the new adapter from the next request on; otherwise
it stays as it is, and what to fix in the data is listed.

The same command goes on where an interrupted one was. ` + exitCodes,
		Example: `  graft prove rows.jsonl --name support
  graft prove rows.jsonl --gold gold.jsonl --name support --recipe auto
  graft prove rows.jsonl --name support --propose 8 --proposer qwen2.5-1.5b-instruct
  graft prove rows.jsonl --name support --metric '{name: judge_pairwise, model: big, url: "http://127.0.0.1:9000/v1"}'
  graft prove rows.jsonl --name support --json | jq .verdict`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return resumable(e.runProve(c.Context(), &f, args[0]))
		},
	}
	f.evalFlags.register(c)
	p := c.Flags()
	p.StringVarP(&f.model, "model", "m", "", "train this `MODEL` (default: the first one configured)")
	p.StringVar(&f.name, "name", "", "`NAME` that is to stand for the adapter (default: the file's)")
	p.StringVar(&f.gold, "gold", "", "the gold set, a `FILE` of cases (default: a fifth of the rows, at most 100)")
	p.StringVar(&f.metric, "metric", "", "what decides: a `NAME` of graft eval metrics, or a mapping with options as in a task (default: accuracy where answers are labels, else rougeL)")
	p.Float64Var(&f.margin, "margin", 0, "least difference that matters (default: the metric's)")
	p.IntVar(&f.maxTokens, "max-tokens", 0, "of an answer (default: by the length of the rows' answers)")
	p.IntVar(&f.budget, "budget", 0, "calls that the search of the base's prompt may make (default 600)")
	p.StringArrayVar(&f.instructions, "instruction", nil, "`TEXT` to try as the base's instruction (repeatable)")
	p.IntVar(&f.propose, "propose", 0, "instructions that a model is to write for the base, from the rows to train on")
	p.StringVar(&f.proposer, "proposer", "", "`MODEL` of the server that writes them (default: the base)")
	p.StringSliceVar(&f.arms, "arms", nil, "`ARMS` to ask the gold set, of "+strings.Join(evalharness.LadderKinds(), ", ")+" (default: all; best_prompt and adapter are always among them)")
	p.StringVar(&f.embedder, "embedder", "", "`MODEL` that finds the nearest examples; none: examples are drawn at random only (default all-minilm-l6-v2)")
	p.BoolVar(&f.forcePromote, "force-promote", false, "let NAME stand for the adapter whatever the verdict")
	p.BoolVar(&f.noForgetting, "no-forgetting", false, "do not measure what was forgotten")
	p.StringVar(&f.recipe, "recipe", "", "auto: settings by the size of model and data, the default; or classic: LoRA on the attention")
	p.IntVar(&f.epochs, "epochs", 0, "passes over the rows (default: by their number)")
	p.IntVar(&f.batch, "batch", 0, "rows of a step (default: by their number)")
	p.Int64Var(&f.seed, "seed", 1, "of everything that is drawn")
	p.StringArrayVar(&f.graft, "graft", nil, "any other setting of the training as `KEY=VALUE` (repeatable)")
	c.RegisterFlagCompletionFunc("model", completeModels)
	return c
}

// proof is what --json prints.
type proof struct {
	Verdict  string               `json:"verdict"`
	Reason   string               `json:"reason"`
	ExitCode int                  `json:"exit_code"`
	Arms     []proofArm           `json:"arms"`
	Primary  string               `json:"primary"` // name of the metric
	Numbers  *evalharness.Verdict `json:"numbers"`
	Adapter  string               `json:"adapter"`
	Job      string               `json:"job"`
	Promoted string               `json:"promoted,omitempty"` // name that stands for the adapter now
	Report   string               `json:"report"`             // file
	Result   string               `json:"result"`             // file with everything
	Todo     []evalharness.Todo   `json:"todo,omitempty"`
	Notes    []string             `json:"notes,omitempty"`
	// Before is what was found before the training.
	Before string `json:"before"`
}

type proofArm struct {
	Name    string  `json:"name"`
	Kind    string  `json:"kind"`
	Primary float64 `json:"primary"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Prompt  string  `json:"prompt"`
	Ms      float64 `json:"ms_per_case"`
}

func (e *env) runProve(ctx context.Context, f *proveFlags, path string) error {
	if f.name == "" {
		base := filepath.Base(path)
		f.name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	conf, err := e.load(nil)
	if err != nil {
		return err
	}
	lint, err := e.lintForProof(ctx, f, path)
	if err != nil {
		return err
	}
	parts, err := divide(path, f.gold, filepath.Join(conf.DataDir, "evals", f.name, "data"), uint64(f.seed))
	if err != nil {
		return err
	}
	if !e.quiet {
		fmt.Fprintf(e.err, "%d rows to train on, %d to choose with, %d cases of gold\n", parts.Train, parts.Validation, parts.Gold)
	}
	task, err := f.task(parts)
	if err != nil {
		return err
	}
	conf, cl, end, err := e.evalServer(ctx, &f.evalFlags, task)
	if err != nil {
		return err
	}
	defer end()
	before, err := e.searchForProof(ctx, cl, conf, task)
	if err != nil {
		return err
	}
	j, err := e.trainForProof(ctx, f, cl, task.Model, parts)
	if err != nil {
		return err
	}
	task.Adapter = j.FineTuned
	o, err := e.evalOptions(ctx, cl, conf, task, false)
	if err != nil {
		return err
	}
	o.Lint = lint
	if o.Training, err = e.trainingOf(ctx, cl, j, parts); err != nil {
		return err
	}
	res, err := e.evaluate(ctx, o)
	if err != nil {
		return err
	}
	return e.concludeProof(ctx, f, cl, j, res, before, filepath.Join(o.Dir, task.Name, res.Settings.Hash[:12]))
}

// task is the evaluation of a proof.
func (f *proveFlags) task(parts *division) (*evalharness.Task, error) {
	t := map[string]any{
		"name": f.name, "model": f.model, "adapter": f.name, "gold": parts.GoldFile, "train": parts.TrainFile, "dev": parts.ValidationFile, "seed": f.seed,
		"generation": map[string]any{"max_tokens": cmp.Or(f.maxTokens, parts.MaxTokens)},
	}
	if f.noForgetting {
		t["forgetting"] = false
	}
	if f.embedder != "" {
		t["retrieval"] = map[string]any{"embedder": f.embedder}
	}
	if f.metric != "" {
		var m any
		if err := yaml.Unmarshal([]byte(f.metric), &m); err != nil {
			return nil, fmt.Errorf("--metric: %w", err)
		}
		t["metric"] = m
	}
	if f.margin != 0 {
		t["margin"] = f.margin
	}
	if len(f.arms) > 0 {
		t["arms"] = append(slices.Clone(f.arms), evalharness.KindBestPrompt, evalharness.KindAdapter)
	}
	search := map[string]any{}
	if f.budget != 0 {
		search["budget"] = f.budget
	}
	if f.propose != 0 || f.proposer != "" {
		search["propose"], search["proposer"] = cmp.Or(f.propose, 4), f.proposer
	}
	if len(search) > 0 {
		t["search"] = search
	}
	if len(f.instructions) > 0 {
		t["instructions"] = f.instructions
	}
	text, err := yaml.Marshal(t)
	if err != nil {
		return nil, err
	}
	return evalharness.ParseTask(text, filepath.Dir(parts.TrainFile))
}

// searchForProof finds the base's best prompt before anything is trained, and says what
// it leaves to gain.
func (e *env) searchForProof(ctx context.Context, cl *client, conf config.Config, task *evalharness.Task) (string, error) {
	o, err := e.evalOptions(ctx, cl, conf, task, true)
	if err != nil {
		return "", err
	}
	p := e.newStages()
	o.Progress = p.at
	found, err := evalharness.FindPrompt(ctx, o)
	p.close()
	if err != nil {
		return "", err
	}
	if !e.quiet {
		fmt.Fprintf(e.err, "before the training: %s\n", found.Advice)
	}
	return found.Advice, nil
}

// trainForProof finds the adapter that the same data and settings made, or trains it.
func (e *env) trainForProof(ctx context.Context, f *proveFlags, cl *client, model string, parts *division) (*jobInfo, error) {
	f.trainFlags.seed = f.seed
	body, err := f.trainFlags.request(true)
	if err != nil {
		return nil, err
	}
	body["model"] = model
	tag, err := tagOf(body, parts.TrainFile, parts.ValidationFile)
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []jobInfo `json:"data"`
	}
	query := url.Values{"metadata[" + tagKey + "]": {tag}, "limit": {"20"}}
	if err := cl.call(ctx, http.MethodGet, jobsPath+"?"+query.Encode(), nil, &list); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list.Data, func(j jobInfo) bool { return j.Status == "succeeded" && j.FineTuned != "" }); i >= 0 {
		j := list.Data[i]
		err := cl.call(ctx, http.MethodGet, adapterPath(j.FineTuned, ""), nil, &adapterInfo{})
		var gone *refused
		switch {
		case err == nil:
			if !e.quiet {
				fmt.Fprintf(e.err, "%s has trained it already: %s\n", j.ID, j.FineTuned)
			}
			return &j, nil
		case !errors.As(err, &gone) || gone.status != http.StatusNotFound:
			return nil, err
		}
	}
	id, err := e.startTraining(ctx, cl, body, tag, parts.TrainFile, parts.ValidationFile)
	if err != nil {
		return nil, err
	}
	return e.follow(ctx, cl, id, false, "the same command goes on with it")
}

// concludeProof writes the report, promotes what has won, and tells.
func (e *env) concludeProof(ctx context.Context, f *proveFlags, cl *client, j *jobInfo, res *evalharness.Result, before, dir string) error {
	v := res.Verdict()
	if v == nil {
		return errors.New("the evaluation has no verdict")
	}
	p := proof{
		Verdict: v.Outcome, Reason: v.Reason, ExitCode: evalharness.ExitCode(v), Primary: res.Settings.Primary, Numbers: v, Adapter: j.FineTuned, Job: j.ID,
		Result: filepath.Join(dir, "result.json"), Todo: res.Todo, Notes: res.Notes, Before: before,
	}
	for i := range res.Arms {
		a := &res.Arms[i]
		m := a.Metrics[res.Settings.Primary]
		p.Arms = append(p.Arms, proofArm{a.Name, a.Kind, a.Primary, m.Low, m.High, a.Prompt.Variant, a.Usage.Ms / float64(max(len(a.Answers), 1))})
	}
	if err := cl.record(ctx, j.FineTuned, res); err != nil {
		if p.ExitCode == 0 || f.forcePromote {
			return err
		}
		p.Notes = append(p.Notes, err.Error())
	}
	if p.ExitCode == 0 || f.forcePromote {
		body := map[string]any{"from": j.FineTuned}
		if p.ExitCode == 0 {
			body["run"] = res.ID
		} else {
			body["force"] = true
		}
		if err := cl.call(ctx, http.MethodPost, adapterPath(f.name, "promote"), body, nil); err != nil {
			return fmt.Errorf("promoting %s: %w", f.name, err)
		}
		p.Promoted = f.name
		if res.Training != nil {
			res.Training.Promoted = f.name
		}
	}
	var err error
	if p.Report, err = writeReport(dir, res); err != nil {
		return err
	}
	if f.evalFlags.json {
		if err := e.printJSON(p); err != nil {
			return err
		}
		return verdictError(v)
	}
	e.printResult(res)
	fmt.Fprintf(e.out, "\nadapter: %s\n", j.FineTuned)
	switch {
	case p.Promoted != "":
		fmt.Fprintf(e.out, "promoted: %s stands for it from the next request on\n", f.name)
	default:
		fmt.Fprintf(e.out, "not promoted: %s stays as it was\n", f.name)
	}
	fmt.Fprintf(e.out, "report: %s\n", p.Report)
	return verdictError(v)
}
