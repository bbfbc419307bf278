// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"errors"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"coopkit/desk/serve"
	"coopkit/internal/process"
)

// garbage is how much may gather, in percent of what is in use: a desk has a
// small heap through which much goes. Go's own 100 costs a tenth of the reports
// that it can take.
const garbage = 400

func newServe(o *options) *cobra.Command {
	var cfg serve.Config
	var level string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the desk until it is told to stop",
		Long: `Runs the desk in the foreground until it gets SIGTERM or SIGINT: its pages for
people, and the protocol for boxes, at one address over TLS.

Without --tls-cert and --tls-key the desk signs its certificate itself, with an
authority in its folder: boxes know it by the invitation, browsers have to be
told once (ca/root.crt). Changed certificate files are read again by themselves.

What --url, --name and the certificate are is kept: commands beside the desk,
and the next start without options, use the same.`,
		Example: `  coopkit desk serve --url https://desk.example:8430
  coopkit desk serve --state /tmp/desk --listen 127.0.0.1:8430 --url https://127.0.0.1:8430`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(garbage)
			}
			log, err := process.NewLog(o.Err, level)
			if err != nil {
				return err
			}
			cfg.State = o.state
			d, err := serve.New(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			return errors.Join(d.Run(cmd.Context(), nil), d.Close())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Listen, "listen", serve.DefaultListen, "listening address for people and boxes")
	f.StringVar(&cfg.URL, "url", "", "address that invitations say (default: this machine's name)")
	f.StringVar(&cfg.Name, "name", "", "what the desk is called (default: the host of --url)")
	f.StringVar(&cfg.TLSCert, "tls-cert", "", "PEM file of a certificate, with those between it and its authority")
	f.StringVar(&cfg.TLSKey, "tls-key", "", "PEM file of its key")
	f.DurationVar(&cfg.Period, "period", 0, "how often boxes report, 30s to 15m (default: 1m)")
	f.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	return cmd
}
