// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/logline"
	"coopkit/internal/testkit"
)

// safeBuffer is a buffer that one goroutine writes and another reads.
type safeBuffer struct {
	lockedWriter
	buf bytes.Buffer
}

func newSafeBuffer() *safeBuffer {
	b := &safeBuffer{}
	b.w = &b.buf
	return b
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestLogs(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	spec.Services = append(spec.Services, enginetest.Once("setup", spec.Services[0].Resolved, "say", "set up", "0"))
	enginetest.Run(t, e, spec)
	for range 3 {
		if _, err := ask(t, spec, http.MethodGet, "/page"); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, time.Minute, "the engine has written what the app said", func() bool {
		var out bytes.Buffer
		return e.Logs(t.Context(), spec.Install, engine.LogOptions{}, &out) == nil && strings.Count(out.String(), "GET /page") == 3
	})
	for _, c := range []struct {
		opts engine.LogOptions
		want string
	}{
		{engine.LogOptions{}, "setup | set up\nweb | serving\nweb | GET /page\nweb | GET /page\nweb | GET /page\n"},
		{engine.LogOptions{Service: "web", Tail: 2}, "web | GET /page\nweb | GET /page\n"},
		{engine.LogOptions{Service: "setup"}, "setup | set up\n"},
		{engine.LogOptions{Since: time.Now().Add(time.Hour)}, ""},
		{engine.LogOptions{Until: time.Now().Add(-time.Hour)}, ""},
	} {
		var out bytes.Buffer
		if err := e.Logs(t.Context(), spec.Install, c.opts, &out); err != nil || out.String() != c.want {
			t.Errorf("%+v gave %q, %v; want %q", c.opts, out.String(), err, c.want)
		}
	}
}

// TestLogs_sayWhenALineCame: the text stays as it is behind the time, and what is
// cut off by time is that time's.
func TestLogs_sayWhenALineCame(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	begun := time.Now()
	enginetest.Run(t, e, spec)
	var out bytes.Buffer
	testkit.Eventually(t, time.Minute, "the engine has written what the app said", func() bool {
		out.Reset()
		return e.Logs(t.Context(), spec.Install, engine.LogOptions{Times: true}, &out) == nil && out.Len() > 0
	})
	l, ok := logline.Parse(out.String())
	if !ok || l.Service != "web" || l.Text != "serving" || l.At.Before(begun.Add(-time.Second)) || l.At.After(time.Now()) {
		t.Errorf("%q: %+v, %v", out.String(), l, ok)
	}
	for after, want := range map[time.Duration]string{0: "web | serving\n", 1: ""} { // nanoseconds
		out.Reset()
		if err := e.Logs(t.Context(), spec.Install, engine.LogOptions{Since: l.At.Add(after)}, &out); err != nil || out.String() != want {
			t.Errorf("since %v after it: %q, %v", after, out.String(), err)
		}
	}
	out.Reset()
	if err := e.Logs(t.Context(), spec.Install, engine.LogOptions{Until: l.At.Add(-time.Nanosecond)}, &out); err != nil || out.Len() > 0 {
		t.Errorf("until before it: %q, %v", out.String(), err)
	}
}

func TestLogs_followsOverARestart(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	ctx, cancel := context.WithCancel(t.Context())
	out, done := newSafeBuffer(), make(chan error, 1)
	go func() { done <- e.Logs(ctx, spec.Install, engine.LogOptions{Follow: true}, out) }()
	has := func(want string) {
		t.Helper()
		testkit.Eventually(t, time.Minute, "the log has no "+want, func() bool { return strings.Contains(out.String(), want) })
	}
	has("web | serving\n")
	if err := e.StopContainer(t.Context(), spec.Install, "web"); err != nil {
		t.Fatal(err)
	}
	has("web | asked to stop\n")
	enginetest.Run(t, e, spec)
	if _, err := ask(t, spec, http.MethodGet, "/again"); err != nil {
		t.Fatal(err)
	}
	has("web | GET /again\n")
	cancel()
	if err := <-done; err != nil {
		t.Errorf("following ended with %v", err)
	}
}

func TestLineWriter(t *testing.T) {
	for name, c := range map[string]struct {
		writes []string
		want   string
	}{
		"whole":          {[]string{"one\ntwo\n"}, "> one\n> two\n"},
		"in parts":       {[]string{"on", "e\nt", "wo"}, "> one\n> two\n"},
		"carriage":       {[]string{"one\r\n"}, "> one\n"},
		"empty lines":    {[]string{"\n\n"}, "> \n> \n"},
		"without an end": {[]string{strings.Repeat("x", longestLine) + "y\n"}, "> " + strings.Repeat("x", longestLine) + "\n> y\n"},
	} {
		var out bytes.Buffer
		w := &lineWriter{prefix: "> ", w: &out}
		for _, s := range c.writes {
			if n, err := io.WriteString(w, s); n != len(s) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := w.flush(); err != nil || out.String() != c.want {
			t.Errorf("%s: %.40q, %v; want %.40q", name, out.String(), err, c.want)
		}
	}
}
