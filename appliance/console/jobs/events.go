// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// progressEvery spaces the patches that only show progress; a step that begins
// or ends is shown at once.
const progressEvery = 250 * time.Millisecond

// pingEvery keeps silent connections.
const pingEvery = 15 * time.Second

// events sends the live part of a job's page anew whenever something happens,
// until the job has ended; then the browser loads the page again.
func (a *pages) events(w http.ResponseWriter, r *http.Request) error {
	return a.stream(w, r, func(s *webkit.Stream, id appliance.JobID) follower {
		return &stepFollower{pages: a, r: r, s: s, id: id}
	})
}

// logEvents sends the log of a job that runs.
func (a *pages) logEvents(w http.ResponseWriter, r *http.Request) error {
	return a.stream(w, r, func(s *webkit.Stream, _ appliance.JobID) follower {
		return &logFollower{pages: a, s: s, label: a.UI.Locale(r).T("jobs.log")}
	})
}

// errHeldUp ends a stream for a while: the page shows why, and the browser comes
// back.
var errHeldUp = &problem.Problem{Code: "job-held-up"}

// follower shows the events of one job to one browser.
type follower interface {
	// take looks at an event and says whether it is to be shown at once.
	take(e appliance.JobEvent) bool
	// show sends what it has seen so far.
	show(ctx context.Context) error
	// end says that nothing more will come.
	end() error
}

func (a *pages) stream(w http.ResponseWriter, r *http.Request, with func(*webkit.Stream, appliance.JobID) follower) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	if _, err := a.Box.Jobs.Job(r.Context(), id); err != nil {
		return err
	}
	s, err := webkit.NewStream(w)
	if err != nil {
		return err
	}
	after := int64(0)
	if n, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && n > 0 {
		after = n
	}
	if err := a.follow(r.Context(), s, id, after, with(s, id)); err != nil && r.Context().Err() == nil && !errors.Is(err, errHeldUp) {
		a.Log.Warn("job not followed", slog.Int64(logkey.Job, int64(id)), slog.Any(logkey.Err, err))
	}
	return nil
}

// follow hands the events to f. They come from a goroutine of their own, so
// that progress can wait for its turn; it ends with this call.
func (a *pages) follow(ctx context.Context, s *webkit.Stream, id appliance.JobID, after int64, f follower) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	events, ended := make(chan appliance.JobEvent), make(chan error, 1)
	go func() {
		ended <- a.Box.Jobs.Follow(ctx, id, after, func(e appliance.JobEvent) error {
			select {
			case events <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	err := relay(ctx, s, events, ended, f)
	stop()
	return err
}

func relay(ctx context.Context, s *webkit.Stream, events <-chan appliance.JobEvent, ended <-chan error, f follower) error {
	turn, ping := time.NewTicker(progressEvery), time.NewTicker(pingEvery)
	defer turn.Stop()
	defer ping.Stop()
	fresh := false
	for {
		var err error
		select {
		case e := <-events:
			if fresh = true; f.take(e) {
				fresh, err = false, f.show(ctx)
			}
		case <-turn.C:
			if fresh {
				fresh, err = false, f.show(ctx)
			}
		case <-ping.C:
			err = s.Ping()
		case err := <-ended:
			if shown := f.show(ctx); err != nil || shown != nil {
				return errors.Join(err, shown)
			}
			return f.end()
		}
		if err != nil {
			return err
		}
	}
}

// stepFollower shows the steps.
type stepFollower struct {
	*pages
	r    *http.Request
	s    *webkit.Stream
	id   appliance.JobID
	seq  int64
	g    progress
	said string
}

func (f *stepFollower) take(e appliance.JobEvent) bool {
	f.seq = e.Seq
	f.g.take(e)
	return e.State != ""
}

func (f *stepFollower) show(ctx context.Context) error {
	job, err := f.Box.Jobs.Job(ctx, f.id)
	if err != nil {
		return err
	}
	v := newView(f.UI.NewPage(f.r, "jobs.title"), job, f.g)
	v.finish("")
	html, err := f.UI.Fragment("jobs-live", v)
	if err != nil {
		return err
	}
	if err := f.s.Send("patch", strconv.FormatInt(f.seq, 10), html); err != nil || f.said == v.Lead {
		return err
	}
	f.said = v.Lead
	if err := f.s.Send("said", "", v.Lead); err != nil {
		return err
	}
	return f.s.Send("title", "", v.FullTitle())
}

func (f *stepFollower) end() error { return f.s.Send("end", "", "") }

// logFollower shows the log. The page around it loads again when the job has
// ended, so it says nothing then.
type logFollower struct {
	*pages
	s     *webkit.Stream
	label string
	log   logTail
}

func (f *logFollower) take(e appliance.JobEvent) bool {
	f.log.take(e)
	return false
}

func (f *logFollower) show(context.Context) error {
	html, err := f.UI.Fragment("jobs-log", logView{f.label, f.log.lines})
	if err != nil {
		return err
	}
	return f.s.Send("patch", "", html)
}

func (f *logFollower) end() error { return nil }
