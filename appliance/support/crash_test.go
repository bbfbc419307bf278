// SPDX-License-Identifier: AGPL-3.0-or-later

package support_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/store"
	"coopkit/appliance/support"
	"coopkit/desk/wire"
	"coopkit/internal/testkit"
)

// TestMain is also the process that the crash test kills.
func TestMain(m *testing.M) {
	if at := os.Getenv("SUPPORT_CRASH_AT"); at != "" {
		crash(at, os.Getenv("SUPPORT_CRASH_DB"), os.Getenv("SUPPORT_CRASH_DESK"))
		return
	}
	os.Exit(m.Run()) //nolint:forbidigo // this is main of the test binary
}

// killer goes to the desk over a real connection, and ends the process with
// SIGKILL before or after.
type killer struct{ at, desk string }

func (k killer) RoundTrip(r *http.Request) (*http.Response, error) {
	k.boundary("enqueued")
	u, err := url.Parse(k.desk)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = u.Scheme, u.Host
	resp, err := http.DefaultTransport.RoundTrip(r)
	k.boundary("confirmed")
	return resp, err
}

func (k killer) boundary(name string) {
	if k.at == name {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// crash is a box with one finding that is killed on its way to the desk.
func crash(at, db, desk string) {
	ctx := context.Background()
	records, err := store.Open(ctx, db)
	if err != nil {
		panic(err)
	}
	s := support.New(ctx, support.Deps{
		Store: records, Log: slog.New(slog.DiscardHandler),
		Findings: func() []appliance.Finding {
			return []appliance.Finding{{Code: "A", Severity: appliance.Warning, What: "something is wrong", Since: time.Unix(1e9, 0)}}
		},
		Facts:     func(context.Context) (wire.Facts, error) { return wire.Facts{Name: "box", Agent: "0.1.0"}, nil },
		Sample:    func(context.Context) (wire.Sample, error) { return wire.Sample{}, nil },
		Transport: func(string, []byte) (http.RoundTripper, error) { return killer{at, desk}, nil },
	})
	s.Changed()
	_ = s.Run(ctx)
}

// TestRun_survivesKill: killed between keeping and sending, and between the
// desk's confirmation and taking note of it, nothing is lost and nothing is
// told twice.
func TestRun_survivesKill(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"enqueued", "confirmed"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			l, path := newListener(t), dbIn(t)
			server := httptest.NewServer(l)
			defer server.Close()
			b := newBox(t, path, l)
			b.join(t, l)
			testkit.Eventually(t, 10*time.Second, "the facts arrive", func() bool { return len(l.told()) == 1 && state(t, b).Waiting == 0 })
			b.stop()
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), "SUPPORT_CRASH_AT="+at, "SUPPORT_CRASH_DB="+path, "SUPPORT_CRASH_DESK="+server.URL)
			if err := child.Run(); err == nil {
				t.Fatal("the process was not killed")
			}
			b = newBox(t, path, l)
			if n := state(t, b).Waiting; n == 0 {
				t.Error("nothing waits: the test killed it too late")
			}
			b.mu.Lock() // the finding is solved meanwhile
			b.findings = nil
			b.mu.Unlock()
			b.Changed()
			testkit.Eventually(t, 10*time.Second, "all of it arrives", func() bool { return len(l.told()) == 3 && state(t, b).Waiting == 0 })
			if got := strings.Join(l.told(), ", "); got != "facts box, A warning, A solved" {
				t.Errorf("told: %s", got)
			}
		})
	}
}
