package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"graft/internal/app"
	"graft/internal/app/bench"
	"graft/internal/kernel"
)

func (e *env) benchRoofline() *cobra.Command {
	var asJSON bool
	megabytes := 1024
	c := &cobra.Command{
		Use:   "roofline",
		Short: "Measure what this machine can do at most",
		Long: `Measure what this machine can do at most, on all threads: reading memory, multiplying
and adding float32 numbers, and the same with eight-bit integers. Generated tokens cost
reading, prompts cost integers, and training costs float32. The best of ten rounds each:
on a machine with neighbours it is still too low.`,
		Example: `  graft bench roofline
  graft bench roofline --json --megabytes 96   # of a size that may stay in a cache`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if megabytes < 1 || megabytes > 1<<14 {
				return fmt.Errorf("--megabytes %d: want 1 to %d", megabytes, 1<<14)
			}
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			o, err := app.Engine(conf)
			if err != nil {
				return err
			}
			pool := kernel.NewPool(o.Threads)
			defer pool.Close()
			p := kernel.MeasurePeaks(pool, megabytes<<20, 10)
			if asJSON {
				enc := json.NewEncoder(e.out)
				enc.SetIndent("", "  ")
				return enc.Encode(map[string]any{"cpu": bench.CPUName(), "isa": kernel.Impl(), "threads": o.Threads, "memory_bytes": p.MemorySize,
					"read_bytes_per_second": p.ReadBytes, "f32_ops_per_second": p.FMA32, "int8_ops_per_second": p.Int8})
			}
			fmt.Fprintf(e.out, "%s, %s, %d threads\n\n", bench.CPUName(), kernel.Impl(), o.Threads)
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "reading %d MiB\t%.1f GB/s\n", megabytes, p.ReadBytes/1e9)
			fmt.Fprintf(w, "float32, multiply and add\t%.0f GFLOPS\n", p.FMA32/1e9)
			fmt.Fprintf(w, "eight-bit integers, multiply and add\t%.0f GOPS\n", p.Int8/1e9)
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().IntVar(&megabytes, "megabytes", megabytes, "read over so many `MIB`")
	return c
}
