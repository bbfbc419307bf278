// SPDX-License-Identifier: AGPL-3.0-or-later

// Package process owns what each long-running program of ours does with its
// surroundings: it locks its state folder, writes its log, tells systemd how it
// is and knows its own version. What the program does it never knows. Its tests
// use real folders, a socket in systemd's place and a panic in the log.
package process

import (
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"coopkit/internal/logkey"
)

// Build is what this program says of itself.
type Build struct {
	Version string    `json:"version"`
	Commit  string    `json:"commit,omitempty"`
	Changed bool      `json:"changed,omitempty"` // built from files that are not committed
	Go      string    `json:"go"`
	Arch    string    `json:"arch"`
	At      time.Time `json:"-"` // of the commit; zero when it is not known
}

// ThisBuild is what the Go toolchain recorded in this program; the version is
// "unknown" where it recorded none.
func ThisBuild() Build {
	b := Build{Version: "unknown", Go: runtime.Version(), Arch: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		case "vcs.time":
			b.At, _ = time.Parse(time.RFC3339, s.Value) // zero if it is no time
		}
	}
	return b
}

// Version is the version of this program.
func Version() string { return ThisBuild().Version }

// Ready tells systemd that this process serves; without systemd it does nothing.
func Ready(log *slog.Logger) { notify(log, daemon.SdNotifyReady) }

// Stopping tells systemd that this process is about to end; without systemd it
// does nothing.
func Stopping(log *slog.Logger) { notify(log, daemon.SdNotifyStopping) }

func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd not told", slog.Any(logkey.Err, err))
	}
}
