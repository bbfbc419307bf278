// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/webkit"
)

// messagesEvery spaces the patches of a page with messages; pingEvery keeps
// silent connections.
const (
	messagesEvery = time.Second
	pingEvery     = 15 * time.Second
)

// messageEvents sends the messages anew when there are more, until the reader
// goes or the app has no more to say.
func (a *pages) messageEvents(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	s, err := webkit.NewStream(w)
	if err != nil {
		return err
	}
	req := readQuery(r).request(app.Name, keptLines, a.Now())
	req.Until, req.Follow = "", true
	ctx, stop := context.WithCancel(r.Context())
	lines, ended := &lineTail{keep: keptLines}, make(chan error, 1)
	go func() {
		ended <- a.Box.Apps.Logs(ctx, req, lines)
	}()
	over, err := a.relay(r, s, lines, ended)
	stop()
	if !over {
		err = errors.Join(err, <-ended) // the goroutine ends with this request
	}
	if err != nil && r.Context().Err() == nil {
		a.Log.Warn("messages not followed", slog.String(logkey.Install, string(app.Name)), slog.Any(logkey.Err, err))
	}
	return nil
}

// relay sends what lines has, until the reader goes or the source has ended,
// which it tells.
func (a *pages) relay(r *http.Request, s *webkit.Stream, lines *lineTail, ended <-chan error) (over bool, err error) {
	turn, ping := time.NewTicker(messagesEvery), time.NewTicker(pingEvery)
	defer turn.Stop()
	defer ping.Stop()
	send := func() error {
		if !lines.fresh() {
			return nil
		}
		html, err := a.UI.Fragment("apps-log", newMessageView(a.UI.NewPage(r, "apps.title"), lines.lines()))
		if err != nil {
			return err
		}
		return s.Send("patch", "", html)
	}
	for {
		select {
		case <-turn.C:
			err = send()
		case <-ping.C:
			err = s.Ping()
		case err := <-ended:
			if err == nil {
				err = send()
			}
			return true, err
		case <-r.Context().Done():
			return false, r.Context().Err()
		}
		if err != nil {
			return false, err
		}
	}
}
