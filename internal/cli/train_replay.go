package cli

import (
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"graft/internal/app/replay"
	"graft/training"
)

func (e *env) trainReplay() *cobra.Command {
	var f replay.Files
	c := &cobra.Command{
		Use:   "replay",
		Short: "Train a given adapter on given batches, to compare trainers step by step",
		Long: `Train a given PEFT adapter on given batches of token ids, exactly as a file says, and
write losses, gradients and the final adapter: whatever PEFT or another trainer comes
to with the same files can be compared step by step. LoRA, rank-stabilised LoRA, DoRA.

config.json:
  lora            PEFT's keys; they must be those of the adapter, lora_dropout may differ
  optimizer       "AdamW"
  betas, eps, lr, weight_decay    torch's AdamW (defaults 0.9 and 0.999, 1e-8, –, 0.01)
  schedule        "constant", or "cosine": step i of n, from 0, has lr/2 (1 + cos πi/n)
  max_grad_norm   a number, or null: gradients are not cut
  steps, batch_size               steps: how many batches are used
batches.json: a list with one object for each step: ids, labels and mask, each a list of
rows. Labels stand at the positions of their tokens, -100 is not trained on; the loss of
a step is the mean over its labels, however many rows they are in.
The losses are {"loss": […], "grad_norm": […]}, norms before gradients are cut; the
gradients are those of the first step, before they are cut.`,
		Example: `  graft train replay --model ./SmolLM2-135M --init ./adapter --config config.json \
    --batches batches.json --losses out.json --grads out.safetensors --final ./trained`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			threads := conf.Engine.Threads
			if threads == 0 {
				threads = runtime.GOMAXPROCS(0)
			}
			var last time.Time
			_, err = replay.Run(c.Context(), f, threads, func(r training.Report) error {
				if !e.quiet && (r.Step == r.Total || time.Since(last) > linePause/3) {
					last = time.Now()
					fmt.Fprintf(e.err, "step %d/%d  loss %.6f  gradient norm %.4g  rate %.3g\n", r.Step, r.Total, r.Loss, r.Norm, r.Rate)
				}
				return nil
			})
			return err
		},
	}
	p := c.Flags()
	p.StringVarP(&f.Model, "model", "m", "", "the base: a `FOLDER` of Hugging Face, or a GGUF file")
	p.StringVar(&f.Init, "init", "", "begin with the adapter in this `DIR`")
	p.StringVar(&f.Config, "config", "", "`FILE` of settings")
	p.StringVar(&f.Batches, "batches", "", "`FILE` of batches")
	p.StringVar(&f.Losses, "losses", "", "write losses and gradient norms to this `FILE`")
	p.StringVar(&f.Grads, "grads", "", "write the gradients of the first step to this `FILE` (safetensors, PEFT's names)")
	p.StringVar(&f.Final, "final", "", "write the adapter after the last step to this `DIR`")
	for _, name := range []string{"model", "init", "config", "batches", "losses"} {
		c.MarkFlagRequired(name)
	}
	return c
}
