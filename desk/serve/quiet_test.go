// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/internal/logkey"
)

func TestQuiet_saysEachProblemOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newQuiet(slog.New(slog.NewTextHandler(&out, nil))).With(logkey.Component, "server")
		refuse := func(code, addr string) {
			log.Info("request refused", slog.String(logkey.Code, code), slog.String(logkey.Addr, addr))
		}
		lines := func() []string {
			defer out.Reset()
			return strings.Split(strings.TrimSpace(out.String()), "\n")
		}
		for range 100 {
			refuse("box-gone", "192.0.2.7:1")
			refuse("box-gone", "[2001:db8::1]:1")
			refuse("box-gone", "[2001:db8::2]:2") // of the same line
			refuse("too-often", "192.0.2.7:2")
		}
		if got := lines(); len(got) != 3 || strings.Contains(got[0], "count=") || !strings.Contains(got[0], "component=server") {
			t.Errorf("in the first minute:\n%s", strings.Join(got, "\n"))
		}
		time.Sleep(time.Minute) //nolint:forbidigo // the clock of the bubble
		refuse("box-gone", "192.0.2.7:3")
		refuse("box-gone", "[2001:db8::3]:1")
		if got := lines(); len(got) != 2 || !strings.Contains(got[0], "count=100") || !strings.Contains(got[1], "count=200") {
			t.Errorf("a minute later:\n%s", strings.Join(got, "\n"))
		}
		for range 3 {
			log.Info("desk ready")
		}
		if got := lines(); len(got) != 3 {
			t.Errorf("without a problem:\n%s", strings.Join(got, "\n"))
		}
	})
}

func TestQuiet_oneMinuteHasSoManyBytes(t *testing.T) {
	var out bytes.Buffer
	log := newQuiet(slog.New(slog.NewTextHandler(&out, nil)))
	long := strings.Repeat("a", 64<<10)
	for i := range 20 * mostSaid {
		log.Info("request refused", slog.String(logkey.Code, "path-unknown"), slog.String(logkey.Path, "/v1/"+long),
			slog.Any(logkey.Err, fmt.Errorf("unknown field %s", long)), slog.String(logkey.Addr, fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)))
	}
	if n := strings.Count(out.String(), "\n"); n < mostSaid || n > mostSaid+1 {
		t.Errorf("%d lines", n)
	}
	if most := (mostSaid + 1) * (3 * mostText); out.Len() > most {
		t.Errorf("%d bytes, at most %d", out.Len(), most)
	}
	out.Reset()
	log.Error("request refused", slog.String(logkey.Code, "internal"), slog.String(logkey.Err, long[:mostFault]))
	if !strings.Contains(out.String(), long[:mostFault]) {
		t.Error("a fault of our own lost its stack")
	}
}
