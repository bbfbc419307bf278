// SPDX-License-Identifier: AGPL-3.0-or-later

package supervise

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeep_startsAgainAndSaysWhenItIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		began := time.Now()
		var starts []time.Duration
		var told []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			Keep(ctx, slog.New(slog.NewTextHandler(&log, nil)), Part{
				Name: "bell",
				Run: func(ctx context.Context) error {
					starts = append(starts, time.Since(began))
					switch len(starts) {
					case 1:
						return errors.New("no rope")
					case 2:
						panic("no tower")
					}
					<-ctx.Done()
					return ctx.Err()
				},
				Report: func(err error) {
					if err == nil {
						err = errors.New("well")
					}
					told = append(told, err.Error())
				},
			})
		}()
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's own time
		cancel()
		<-done
		if want := []time.Duration{0, First, 3 * First}; !slices.Equal(starts, want) {
			t.Errorf("started at %v, want %v", starts, want)
		}
		if want := []string{"no rope", "panic: no tower", "well"}; !slices.Equal(told, want) {
			t.Errorf("reported %v, want %v", told, want)
		}
		if !strings.Contains(log.String(), "supervise_test.go") {
			t.Errorf("the log has no stack of the panic:\n%s", log.String())
		}
	})
}

func TestKeep_endsWhenThereIsNothingToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		Keep(t.Context(), slog.New(slog.DiscardHandler), Part{Name: "off", Run: func(context.Context) error { runs++; return nil }})
		if runs != 1 {
			t.Errorf("it ran %d times", runs)
		}
	})
}

func TestRecovered_keepsErrorsAndPanics(t *testing.T) {
	cause := errors.New("cause")
	for name, do := range map[string]func() error{
		"returned": func() error { return cause },
		"panicked": func() error { panic(cause) },
	} {
		err := Recovered(do)
		if !errors.Is(err, cause) || Panicked(err) != (name == "panicked") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
