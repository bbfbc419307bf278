// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"coopkit/internal/problem"
)

// What the demo makes.
const (
	zone    = "demo.coop"
	appHost = "www.demo.coop"
	recipe  = "wordpress"
	title   = "Demo Co-op"
	email   = "steward@demo.coop"
)

// demo is one demo on this machine: where its files are and where it listens.
type demo struct {
	program string // bin/coopkit
	dir     string // .demo: all that is left on disk, but the engine's data
	site    string // the folder of the static site
	app     string // the name of its install
	https   string // listening addresses
	http    string
	dns     string
	console string
	desk    string
	began   time.Time // when make began, with the installing and building
	out     io.Writer
	seconds map[string]float64
}

// newDemo reads DEMO_HTTPS, DEMO_HTTP, DEMO_DNS, DEMO_CONSOLE, DEMO_DESK (ports)
// and DEMO_BEGAN (Unix time) from the environment; the working folder is the
// module's root.
func newDemo(out io.Writer, env func(string) string) (*demo, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the working folder: %w", err)
	}
	d := &demo{
		program: filepath.Join(root, "bin", "coopkit"),
		dir:     filepath.Join(root, ".demo"),
		site:    filepath.Join(root, "installer", "demo-site"),
		app:     recipe,
		began:   time.Now(),
		out:     out,
		seconds: map[string]float64{},
	}
	for _, port := range []struct {
		name, fallback string
		to             *string
	}{
		{"DEMO_HTTPS", "8443", &d.https},
		{"DEMO_HTTP", "8080", &d.http},
		{"DEMO_DNS", "5453", &d.dns},
		{"DEMO_CONSOLE", "8420", &d.console},
		{"DEMO_DESK", "8430", &d.desk},
	} {
		value := env(port.name)
		if value == "" {
			value = port.fallback
		}
		if n, err := strconv.ParseUint(value, 10, 16); err != nil || n == 0 {
			return nil, &problem.Problem{
				Code: "demo-port-invalid", Kind: problem.Invalid,
				What: port.name + " is not a port",
				Why:  "a port is a number from 1 to 65535; it is “" + value + "”",
				Next: []string{"make demo " + port.name + "=" + port.fallback},
			}
		}
		*port.to = net.JoinHostPort("127.0.0.1", value)
	}
	if s, err := strconv.ParseInt(env("DEMO_BEGAN"), 10, 64); err == nil {
		d.began = time.Unix(s, 0)
	}
	return d, nil
}

func (d *demo) socket() string { return filepath.Join(d.dir, "coopkit.sock") }

// url is the address of a host at the demo's HTTPS port.
func (d *demo) url(host string) string {
	_, port, _ := net.SplitHostPort(d.https)
	if port == "443" {
		return "https://" + host + "/"
	}
	return "https://" + net.JoinHostPort(host, port) + "/"
}

// step runs one step, says how long it took, and keeps it for the summary.
func (d *demo) step(name, text string, do func() error) error {
	_, _ = fmt.Fprintf(d.out, "• %s\n", text)
	start := time.Now()
	err := do()
	took := time.Since(start).Seconds()
	d.seconds[name] = round(took)
	if err == nil {
		_, _ = fmt.Fprintf(d.out, "  done in %.1f s\n", took)
	}
	return err
}

// note writes a line of fact below the step.
func (d *demo) note(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, "  "+format+"\n", args...)
}

func round(seconds float64) float64 { return float64(int(seconds*10+0.5)) / 10 }
