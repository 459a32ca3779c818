package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"graft/internal/store"
)

func (e *env) keys() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Create, list and revoke API keys",
		Long: `Create, list and revoke API keys. A server that listens on this machine only
(127.0.0.1) asks for none unless auth.required is true; any other demands one.
Changes count at once, also for a server that is running.`,
		Example: `  graft keys create laptop
  graft keys list
  graft keys revoke laptop`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(e.createKey(), e.listKeys(), e.revokeKey())
	return c
}

// openStore opens the store of the data folder.
func (e *env) openStore(c *cobra.Command) (*store.Store, error) {
	conf, err := e.load(nil)
	if err != nil {
		return nil, err
	}
	return store.Open(c.Context(), conf.DataDir)
}

func (e *env) createKey() *cobra.Command {
	var admin, asJSON bool
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a key and print its secret, once",
		Example: `  graft keys create laptop
  export OPENAI_API_KEY=$(graft keys create -q ci)`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := e.openStore(c)
			if err != nil {
				return err
			}
			defer s.Close()
			role := store.User
			if admin {
				role = store.Admin
			}
			k, secret, err := s.CreateKey(c.Context(), args[0], role)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(e.out).Encode(map[string]any{"id": k.ID, "name": k.Name, "role": k.Role, "secret": secret})
			}
			fmt.Fprintln(e.out, secret)
			if !e.quiet {
				fmt.Fprintln(e.err, "This is the only time the key is shown: graft keeps its hash.")
			}
			return nil
		},
	}
	c.Flags().BoolVar(&admin, "admin", false, "let the key change the server, not only use it")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (e *env) listKeys() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the keys",
		Example: "  graft keys list --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := e.openStore(c)
			if err != nil {
				return err
			}
			defer s.Close()
			keys, err := s.Keys(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printKeysJSON(e, keys)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tNAME\tROLE\tSECRET\tCREATED\tLAST USED\tREVOKED")
			for _, k := range keys {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s…\t%s\t%s\t%s\n", k.ID, k.Name, k.Role, k.Hint, when(k.Created), when(k.LastUsed), when(k.Revoked))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printKeysJSON(e *env, keys []store.Key) error {
	type line struct {
		ID       string     `json:"id"`
		Name     string     `json:"name"`
		Role     store.Role `json:"role"`
		Hint     string     `json:"hint"`
		Created  time.Time  `json:"created"`
		LastUsed time.Time  `json:"last_used,omitzero"`
		Revoked  time.Time  `json:"revoked,omitzero"`
	}
	lines := []line{}
	for _, k := range keys {
		lines = append(lines, line(k))
	}
	enc := json.NewEncoder(e.out)
	enc.SetIndent("", "  ")
	return enc.Encode(lines)
}

// when is a time for people, "" for never.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

func (e *env) revokeKey() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID|NAME",
		Short:   "End a key",
		Example: "  graft keys revoke laptop",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := e.openStore(c)
			if err != nil {
				return err
			}
			defer s.Close()
			k, err := s.RevokeKey(c.Context(), args[0])
			if err == nil && !e.quiet {
				fmt.Fprintf(e.err, "key %s (%s) is revoked\n", k.Name, k.ID)
			}
			return err
		},
	}
}
