// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/logline"
	"coopkit/internal/problem"
)

// Logs writes what the services of an install wrote, as req asks. What it holds
// in memory is bounded however long the logs are.
func (a *Apps) Logs(ctx context.Context, req appliance.AppLogs, w io.Writer) error {
	if _, err := a.Store.Install(ctx, req.Name); err != nil {
		return err
	}
	q, err := a.logQuery(ctx, req)
	if err != nil {
		return err
	}
	services, err := a.logServices(ctx, req)
	if err != nil {
		return err
	}
	var from time.Time
	if req.Tail > 0 {
		if req.Follow {
			from = a.Now() // what comes later is followed
		}
		lines, err := a.lastLines(ctx, q, services, req.Tail, from)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if err := q.write(w, l); err != nil {
				return err
			}
		}
		if !req.Follow {
			return nil
		}
	}
	return a.Engine.Logs(ctx, req.Name, engine.LogOptions{Service: req.Service, Follow: req.Follow, Since: latest(q.since, from), Until: q.until, Times: true},
		eachLine(func(raw string) error {
			if l, ok := q.wanted(raw); ok {
				return q.write(w, l)
			}
			return nil
		}))
}

// logServices are those whose logs are wanted.
func (a *Apps) logServices(ctx context.Context, req appliance.AppLogs) ([]string, error) {
	limited, cancel := context.WithTimeout(ctx, engine.Answer)
	defer cancel()
	have, err := a.Engine.Observe(limited, req.Name)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, c := range have.Containers {
		if req.Service == "" || req.Service == c.Service {
			all = append(all, c.Service)
		}
	}
	if req.Service != "" && len(all) == 0 {
		return nil, &problem.Problem{
			Code: "service-unknown", Kind: problem.NotFound,
			What: string(req.Name) + " has no service named " + req.Service,
			Next: []string{"coopkit app show " + string(req.Name)},
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lastLines are the last n wanted lines of all services together, before end if
// there is one, in the order in which they were written. Most are found at the end of a log, so
// it is not read from the beginning at once.
func (a *Apps) lastLines(ctx context.Context, q *logQuery, services []string, n int, end time.Time) ([]logline.Line, error) {
	var all []logline.Line
	for _, service := range services {
		for window := 8 * n; ; window *= 16 {
			if q.deep() || window > deepest {
				window = 0
			}
			last, read := lastOf{most: n}, 0
			q.unanswered = nil
			err := a.Engine.Logs(ctx, q.install, engine.LogOptions{Service: service, Tail: window, Since: q.since, Until: q.until, Times: true},
				eachLine(func(raw string) error {
					read++
					if l, ok := q.wanted(raw); ok && (end.IsZero() || l.At.Before(end)) {
						last.add(l)
					}
					return nil
				}))
			if err != nil {
				return nil, err
			}
			if len(last.lines) >= n || read < window || window == 0 {
				all = append(all, last.lines...)
				break
			}
		}
	}
	slices.SortStableFunc(all, func(a, b logline.Line) int { return a.At.Compare(b.At) })
	return all[max(0, len(all)-n):], nil
}

// deepest is how many lines of a log are skipped back over before all of it is
// read.
const deepest = 20000

// lastOf holds the last lines, at most so many and of maxHeld bytes.
type lastOf struct {
	most, bytes int
	lines       []logline.Line
}

const maxHeld = 4 << 20 // bytes of text, of one service

func (l *lastOf) add(line logline.Line) {
	l.lines, l.bytes = append(l.lines, line), l.bytes+len(line.Text)
	drop := 0
	for len(l.lines)-drop > l.most || l.bytes > maxHeld {
		l.bytes -= len(l.lines[drop].Text)
		drop++
	}
	l.lines = slices.Delete(l.lines, 0, drop)
}

// logQuery is which lines somebody wants, and how.
type logQuery struct {
	install      appliance.InstallName
	since, until time.Time
	search       string // in lower case
	level        logline.Level
	times        bool
	word         string // of own checks, which are not wanted; empty: they are
	secrets      *strings.Replacer
	unanswered   []string // "service path" of own checks whose answer was not logged yet
}

func (a *Apps) logQuery(ctx context.Context, req appliance.AppLogs) (*logQuery, error) {
	q := &logQuery{install: req.Name, search: strings.ToLower(req.Search), level: logline.Level(req.Level), times: req.Times}
	for _, at := range []struct {
		text string
		to   *time.Time
	}{{req.Since, &q.since}, {req.Until, &q.until}} {
		if at.text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, at.text)
		if err != nil {
			return nil, badLogs(at.text+" is no time", "write it like 2026-11-30T15:04:05Z (RFC 3339)", err)
		}
		*at.to = t
	}
	if !slices.Contains([]logline.Level{"", logline.Error, logline.Warning, logline.Info, logline.Unknown}, q.level) {
		return nil, badLogs("there is no level "+req.Level, "choose error, warning or info", nil)
	}
	if req.Follow && !q.until.IsZero() {
		return nil, badLogs("what is to come has no end yet", "leave out the end, or do not follow", nil)
	}
	if !req.Checks {
		q.word = a.word()
	}
	secrets, err := a.Store.Secrets(ctx, req.Name)
	if err != nil {
		return nil, err
	}
	q.secrets = masking(secrets)
	return q, nil
}

func badLogs(why, next string, err error) error {
	return &problem.Problem{Code: "logs-invalid", Kind: problem.Invalid, What: "the log cannot be read like this", Why: why, Next: []string{next}, Err: err}
}

// shortestSecret is how long a secret is that cannot be part of other words.
const shortestSecret = 8

// masking hides the secrets of an install where a program wrote them.
func masking(secrets map[string]string) *strings.Replacer {
	var pairs []string
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			pairs = append(pairs, secret, "••••••••")
		}
	}
	return strings.NewReplacer(pairs...)
}

// deep reports whether lines that are wanted may be few and far between, or the
// engine cannot count from the end.
func (q *logQuery) deep() bool { return q.search != "" || q.level != "" || !q.until.IsZero() }

// wanted reads one line of the engine.
func (q *logQuery) wanted(raw string) (logline.Line, bool) {
	l, ok := logline.Parse(raw)
	if !ok || q.own(l) || l.At.Before(q.since) || !q.until.IsZero() && !l.At.Before(q.until) {
		return l, false
	}
	l.Text = q.secrets.Replace(l.Text)
	if q.search != "" && !strings.Contains(strings.ToLower(l.Text), q.search) {
		return l, false
	}
	return l, q.level == "" || logline.LevelOf(l.Text).AtLeast(q.level)
}

var (
	asked    = regexp.MustCompile(`request for '([^']*)'`)
	answered = regexp.MustCompile(`response status for '([^']*)'`)
)

// own reports whether a line is about a check of this box: it has the word, or it
// is the answer to one in the log of a program that writes that on a line of its
// own, as Radicale does.
func (q *logQuery) own(l logline.Line) bool {
	if q.word == "" {
		return false
	}
	if strings.Contains(l.Text, q.word) {
		if m := asked.FindStringSubmatch(l.Text); m != nil {
			q.unanswered = append(q.unanswered[max(0, len(q.unanswered)-63):], l.Service+" "+m[1])
		}
		return true
	}
	if len(q.unanswered) == 0 {
		return false
	}
	m := answered.FindStringSubmatch(l.Text)
	if m == nil {
		return false
	}
	at := slices.Index(q.unanswered, l.Service+" "+m[1])
	if at >= 0 {
		q.unanswered = slices.Delete(q.unanswered, at, at+1)
	}
	return at >= 0
}

func (q *logQuery) write(w io.Writer, l logline.Line) error {
	text := l.String()
	if q.times {
		text = l.Stamped()
	}
	if _, err := io.WriteString(w, text+"\n"); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	return nil
}

// eachLine makes a writer of a function that is given whole lines.
func eachLine(do func(string) error) io.Writer { return &lineFunc{do: do} }

type lineFunc struct {
	do   func(string) error
	rest []byte
}

// Write takes text as it comes.
func (l *lineFunc) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte{'\n'})
		if !whole {
			l.rest = append(l.rest[:0:0], l.rest...)
			return len(p), nil
		}
		if err := l.do(string(line)); err != nil {
			return 0, err
		}
		l.rest = rest
	}
}
