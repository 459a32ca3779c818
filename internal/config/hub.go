package config

import (
	"path/filepath"
	"strings"

	"graft/internal/hub"
)

// HubOptions are the settings of the hub.
func (c Config) HubOptions() hub.Options {
	o := hub.DefaultOptions(filepath.Join(c.DataDir, "models"))
	o.Offline = c.Hub.Offline
	o.Endpoint = strings.TrimRight(c.Hub.HFEndpoint, "/")
	o.Token = c.Hub.Token
	o.ConnectTimeout = c.Hub.ConnectTimeout
	return o
}
