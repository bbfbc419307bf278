// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"log/slog"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapToSlog makes a zap logger, which certmagic wants, that writes to ours.
func zapToSlog(log *slog.Logger) *zap.Logger { return zap.New(slogCore{log}) }

// slogCore is a zapcore.Core over a slog.Logger. Zap's levels info and below
// become debug: what certmagic does step by step is for us, what came of it is
// logged by the gateway itself.
type slogCore struct{ log *slog.Logger }

// Enabled reports whether the slog handler wants records of the level.
func (c slogCore) Enabled(l zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slogLevel(l))
}

// With returns a core that adds the fields to each record.
func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	args := make([]any, 0, len(fields))
	for _, a := range attrs(fields) {
		args = append(args, a)
	}
	return slogCore{c.log.With(args...)}
}

// Check adds the core when the level is wanted.
func (c slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write makes one slog record of the entry.
func (c slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	all := append([]slog.Attr{slog.String("part", e.LoggerName)}, attrs(fields)...)
	c.log.LogAttrs(context.Background(), slogLevel(e.Level), e.Message, all...) //nolint:sloglint // the message is certmagic's, constant there
	return nil
}

// Sync does nothing: slog does not buffer.
func (slogCore) Sync() error { return nil }

// slogLevel maps a level; see slogCore.
func slogLevel(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return slog.LevelWarn // certmagic tries again; the gateway raises what a person must see
	case l == zapcore.WarnLevel:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}

// attrs turns zap's fields into slog's. E-mail addresses are left out.
func attrs(fields []zapcore.Field) []slog.Attr {
	enc := zapcore.NewMapObjectEncoder()
	out := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		key := strings.ReplaceAll(f.Key, " ", "_")
		if key == "contact" || key == "email" {
			continue
		}
		f.AddTo(enc)
		if v, ok := enc.Fields[f.Key]; ok {
			out = append(out, slog.Any(key, v))
		}
	}
	return out
}
