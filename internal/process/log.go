// SPDX-License-Identifier: AGPL-3.0-or-later

package process

import (
	"errors"
	"io"
	"log/slog"
	"strconv"

	"coopkit/internal/problem"
	"coopkit/internal/supervise"
	"coopkit/internal/term"
)

// NewLog returns a log that writes text for people on a terminal, and JSON to a
// journal or a file. Errors that come from a panic are written with its stack.
// A level that is none gives a Problem "log-level-unknown".
func NewLog(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, &problem.Problem{
			Code: "log-level-unknown", Kind: problem.Invalid,
			What: "there is no log level " + strconv.Quote(level),
			Next: []string{"choose debug, info, warn or error"}, Err: err,
		}
	}
	opts := &slog.HandlerOptions{Level: l, ReplaceAttr: withStack}
	if term.IsTerminal(w) {
		return slog.New(slog.NewTextHandler(w, opts)), nil
	}
	return slog.New(slog.NewJSONHandler(w, opts)), nil
}

// withStack adds the stack to an error that comes from a panic: errors have none
// in their text, because people read that.
func withStack(_ []string, a slog.Attr) slog.Attr {
	err, ok := a.Value.Any().(error)
	if !ok {
		return a
	}
	if p, ok := errors.AsType[*supervise.PanicError](err); ok {
		a.Value = slog.StringValue(err.Error() + "\n" + string(p.Stack))
	}
	return a
}
