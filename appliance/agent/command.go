// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"coopkit/internal/lean"
	"coopkit/internal/process"
)

// Command is "coopkit agent". Logs go to errOut.
func Command(errOut io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use: "agent", Short: "Run the agent on this machine",
		Long: "The agent is the program that runs the apps, the front door and the names of this box.",
	}
	cmd.AddCommand(runCommand(errOut))
	return cmd
}

func runCommand(errOut io.Writer) *cobra.Command {
	var cfg Config
	cmd := &cobra.Command{
		Use: "run", Short: "Run the agent until it is told to stop",
		Long: `Runs the agent in the foreground until it gets SIGTERM or SIGINT. Changes that
are under way then go on, or are undone, at the next start.

A missing container engine does not stop the agent: sites and names are served
all the same, and "coopkit doctor" says what to do.`,
		Example: `  coopkit agent run
  coopkit agent run --state /tmp/try --socket /tmp/try.sock --http 127.0.0.1:8080 \
    --https 127.0.0.1:8443 --dns 127.0.0.1:5453 --public-address 127.0.0.1 --issuer local`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if socket := cmd.Flag("socket"); socket != nil {
				cfg.Socket = socket.Value.String()
			}
			log, err := process.NewLog(errOut, cfg.LogLevel)
			if err != nil {
				return err
			}
			return Main(cmd.Context(), cfg, log)
		},
	}
	flags(cmd, &cfg)
	return cmd
}

func flags(cmd *cobra.Command, cfg *Config) {
	f := cmd.Flags()
	f.StringVar(&cfg.State, "state", "/var/lib/coopkit", "folder for everything that the agent keeps")
	f.StringVar(&cfg.HTTP, "http", ":80", "listening address for HTTP; empty for none")
	f.StringVar(&cfg.HTTPS, "https", ":443", "listening address for HTTPS")
	f.StringSliceVar(&cfg.DNS, "dns", nil, "listening addresses of the name server, UDP and TCP; none by default")
	f.StringVar(&cfg.Console, "console", ":"+consolePort, "listening address of the console in a browser, HTTPS; empty for none")
	f.StringSliceVar(&cfg.ConsoleNames, "console-name", nil, "further names by which browsers open the console (default: those of this machine, and of apps and sites)")
	f.StringSliceVar(&cfg.PublicAddresses, "public-address", nil, "IP addresses that names point to (default: those of the network cards that everybody can use, else those of the local network)")
	f.IntVar(&cfg.PublicHTTPSPort, "public-https-port", 0, "port that visitors use for HTTPS (default: the one of --https)")
	f.StringSliceVar(&cfg.NameServers, "name-server", nil, "name servers of the zones on this box (default: ns1 in each zone)")
	f.StringVar(&cfg.Issuer, "issuer", "acme", "who signs certificates: acme, or local for a LAN or a trial")
	f.StringVar(&cfg.ACMEDirectory, "acme-directory", LetsEncrypt, "directory of the certificate authority")
	f.StringVar(&cfg.ACMEEmail, "acme-email", "", "e-mail address for the certificate authority")
	f.StringVar(&cfg.ACMERoot, "acme-root", "", "PEM file to trust for the directory itself")
	f.StringVar(&cfg.ACMEEABKeyID, "acme-eab-kid", "", "name of the key of an account that the certificate authority knows (External Account Binding)")
	f.StringVar(&cfg.ACMEEABKey, "acme-eab-key-file", "", "file with that key, as the certificate authority shows it")
	f.StringVar(&cfg.ACMEChallenge, "acme-challenge", "http", "how to prove names: http, or dns for zones on this box")
	f.StringVar(&cfg.Engine, "engine", "", "address of the Docker Engine (default: DOCKER_HOST or the usual socket)")
	f.StringToStringVar(&cfg.RegistryMirrors, "registry-mirror", nil, "registry=mirror; the mirror is asked instead; * for all")
	f.StringVar(&cfg.LogLevel, "log-level", "info", "debug, info, warn or error")
}

// memory is how much the agent is to take from the system, in bytes; its unit
// throttles it at 512 MiB.
const memory = 96 << 20

// Main runs an agent until ctx ends.
func Main(ctx context.Context, cfg Config, log *slog.Logger) error {
	lean.Set()
	lean.Limit(memory)
	var err error
	if cfg.sockets, err = handedOver(); err != nil {
		return err
	}
	a, err := New(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(a.Run(ctx), a.Close())
}
