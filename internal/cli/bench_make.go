package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"graft/internal/app/bench"
)

func (e *env) benchMake() *cobra.Command {
	s := bench.Mistral7B
	var force bool
	c := &cobra.Command{
		Use:   "make-model FILE",
		Short: "Write a large model of random weights, to measure with",
		Long: `Write a GGUF file of the shape of Mistral 7B with random weights in Q4_K, to measure
loading, speed and memory with. What it says means nothing. The file takes 4 GB; writing
it takes the memory of a few matrices.`,
		Example: `  graft bench make-model ./7b.gguf
  graft bench make-model ./small.gguf --layers 4
  graft bench decode load --model ./7b.gguf --tokens 16`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := os.Lstat(args[0]); err == nil && !force {
				return fmt.Errorf("%s is there already; --force replaces it", args[0])
			}
			if s.Layers < 1 {
				return fmt.Errorf("--layers %d: want at least 1", s.Layers)
			}
			if err := bench.MakeModel(args[0], s); err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			if err == nil && !e.quiet {
				fmt.Fprintf(e.err, "%s: %d layers, %.2f GB\n", args[0], s.Layers, float64(info.Size())/1e9)
			}
			return err
		},
	}
	c.Flags().IntVar(&s.Layers, "layers", s.Layers, "layers, for a smaller model")
	c.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return c
}
