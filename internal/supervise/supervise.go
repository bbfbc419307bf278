// SPDX-License-Identifier: AGPL-3.0-or-later

// Package supervise keeps the parts of a process running beside each other: one
// that fails or panics is reported and started again after a wait, and takes no
// other one down. It knows nothing of what the parts do. Its tests run parts
// that fail, panic and come back in a synctest bubble.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"coopkit/internal/logkey"
)

// The waits before a part is started again: the first one, and where doubling
// ends. A part that has run for Steady counts as well again.
const (
	First  = time.Second
	Most   = time.Minute
	Steady = 10 * time.Second
)

// Part is something that runs as long as the process does.
type Part struct {
	Name string
	// Run blocks until ctx ends. Nil before that means that the part has nothing
	// (more) to do, and it is not started again.
	Run func(ctx context.Context) error
	// Report is told why the part does not work, and nil once it does again; it
	// is never called at the same time as itself. nil: only the log is told.
	Report func(err error)
	// Failed says that the part was reported as not working before Keep.
	Failed bool
}

// Keep runs p until ctx ends or it has nothing more to do.
func Keep(ctx context.Context, log *slog.Logger, p Part) {
	if p.Report == nil {
		p.Report = func(error) {}
	}
	reported := p.Failed
	for wait := First; ; wait = min(2*wait, Most) {
		began := time.Now()
		err := attempt(ctx, p, reported)
		if err == nil || ctx.Err() != nil {
			return
		}
		if time.Since(began) > Steady {
			wait = First
		}
		log.ErrorContext(ctx, "part failed", slog.String(logkey.Component, p.Name), slog.Any(logkey.Err, err), slog.Duration("next", wait))
		p.Report(err)
		reported = true
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// attempt runs p once. One that was reported is reported well when it has run
// for Steady, or has ended well.
func attempt(ctx context.Context, p Part, reported bool) error {
	if !reported {
		return Recovered(func() error { return p.Run(ctx) })
	}
	ended := make(chan error, 1)
	go func() { ended <- Recovered(func() error { return p.Run(ctx) }) }()
	timer := time.NewTimer(Steady)
	defer timer.Stop()
	select {
	case err := <-ended:
		if err == nil {
			p.Report(nil)
		}
		return err
	case <-timer.C:
		p.Report(nil)
		return <-ended
	}
}

// Recovered calls do and turns a panic in it into a *PanicError.
func Recovered(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return do()
}

// PanicError is a panic as an error. Its text has no stack: that is for the log,
// in which process.NewLog writes it also where the error is wrapped.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap returns the value that was panicked with, if it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// LogValue shows the stack, too.
func (p *PanicError) LogValue() slog.Value {
	return slog.StringValue(p.Error() + "\n" + string(p.Stack))
}

// Panicked reports whether err is, or wraps, a panic.
func Panicked(err error) bool {
	_, ok := errors.AsType[*PanicError](err)
	return ok
}
