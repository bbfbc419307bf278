// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"golang.org/x/sync/errgroup"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// followAgain is how soon following checks whether an ended service came back.
const followAgain = time.Second

// Logs writes log lines to w, one Write for each line: service by service, or
// as they come when following. Following goes on when a service is restarted,
// until ctx ends, which is no error.
func (e *Engine) Logs(ctx context.Context, install appliance.InstallName, opts engine.LogOptions, w io.Writer) error {
	services, err := e.services(ctx, install, opts.Service)
	if err != nil {
		return err
	}
	w = &lockedWriter{w: w}
	if !opts.Follow {
		for _, s := range services {
			if err := e.logs(ctx, install, s, opts, w); err != nil {
				return err
			}
		}
		return nil
	}
	group, following := errgroup.WithContext(ctx)
	for _, s := range services {
		group.Go(func() error { return e.follow(following, install, s, opts, w) })
	}
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// services names those whose logs are wanted, sorted.
func (e *Engine) services(ctx context.Context, install appliance.InstallName, only string) ([]string, error) {
	if only != "" {
		return []string{only}, nil
	}
	list, err := e.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: e.own(engine.LabelInstall + "=" + string(install))})
	if err != nil {
		return nil, e.wrap(err, "list containers")
	}
	var out []string
	for _, c := range list {
		out = append(out, c.Labels[engine.LabelService])
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (e *Engine) follow(ctx context.Context, install appliance.InstallName, service string, opts engine.LogOptions, w io.Writer) error {
	tick := time.NewTicker(followAgain)
	defer tick.Stop()
	for {
		err := e.logs(ctx, install, service, opts, w)
		opts.Since, opts.Tail = time.Now(), 0
		if ignoreMissing(err) != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// logs writes one stream of one service until its end.
func (e *Engine) logs(ctx context.Context, install appliance.InstallName, service string, opts engine.LogOptions, w io.Writer) error {
	o := container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: opts.Follow, Timestamps: opts.Times}
	if opts.Tail > 0 {
		o.Tail = strconv.Itoa(opts.Tail)
	}
	if !opts.Since.IsZero() {
		o.Since = opts.Since.Format(time.RFC3339Nano)
	}
	if !opts.Until.IsZero() {
		o.Until = opts.Until.Format(time.RFC3339Nano)
	}
	id, err := e.needContainer(ctx, install, service)
	if err != nil {
		return err
	}
	stream, err := e.cli.ContainerLogs(ctx, id, o)
	if err != nil {
		return e.wrap(err, "read logs of "+service)
	}
	out, errs := &lineWriter{prefix: service + " | ", w: w}, &lineWriter{prefix: service + " | ", w: w}
	_, err = stdcopy.StdCopy(out, errs, stream)
	return errors.Join(cause(ctx, e.wrap(err, "read logs of "+service)), out.flush(), errs.flush(), stream.Close())
}

// lockedWriter lets several streams share a writer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes p without anything in between.
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// longestLine is where a line without end is cut.
const longestLine = 64 << 10

// lineWriter hands on whole lines, each with a prefix.
type lineWriter struct {
	prefix string
	w      io.Writer
	rest   []byte
}

// Write keeps what is not yet a whole line.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 && len(l.rest) < longestLine {
			return len(p), nil
		}
		cut := i + 1
		if i < 0 || i > longestLine {
			i, cut = longestLine, longestLine
		}
		if err := l.line(l.rest[:i]); err != nil {
			return 0, err
		}
		l.rest = append(l.rest[:0], l.rest[cut:]...)
	}
}

func (l *lineWriter) flush() error {
	if len(l.rest) == 0 {
		return nil
	}
	rest := l.rest
	l.rest = nil
	return l.line(rest)
}

func (l *lineWriter) line(text []byte) error {
	_, err := io.WriteString(l.w, l.prefix+strings.TrimSuffix(string(text), "\r")+"\n")
	return err
}
