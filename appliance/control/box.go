// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"time"

	"coopkit/internal/problem"
)

// Host is the machine that the agent runs on, as it is now.
type Host struct {
	Name        string  `json:"name"`
	System      string  `json:"system"` // "Debian 12"
	Kernel      string  `json:"kernel"`
	Arch        string  `json:"arch"`
	CPUs        int     `json:"cpus"`
	UptimeS     int64   `json:"uptime_s"`
	Load        float64 `json:"load"` // of the last minute, per core
	MemoryBytes uint64  `json:"memory_bytes"`
	MemoryUsed  uint64  `json:"memory_used"`
	DiskBytes   uint64  `json:"disk_bytes"` // where apps keep their data
	DiskUsed    uint64  `json:"disk_used"`
}

// Settings are what the co-op says of itself and its box.
type Settings struct {
	Coop     string `json:"coop"`     // the co-op's own name; may be empty
	Box      string `json:"box"`      // what people call this box; the machine's name unless set
	Language string `json:"language"` // en, es or fr: of what the box says by itself
}

// DeskState says how the link to the support desk is.
type DeskState string

// The states of the link.
const (
	DeskNone    DeskState = "none"    // this box has not joined a desk
	DeskPending DeskState = "pending" // joined; the desk waits until a person there has compared the words
	DeskLinked  DeskState = "linked"  // the last report arrived
	DeskSilent  DeskState = "silent"  // the desk does not answer; Waiting entries are kept
	DeskRefused DeskState = "refused" // the desk answers and does not take reports; Problem says why
	DeskEnded   DeskState = "ended"   // the desk ended the link; it is asked again a few times a day
)

// DeskLink is the link to the support desk. Everything but State is empty
// while there is none.
type DeskLink struct {
	State          DeskState        `json:"state"`
	URL            string           `json:"url,omitempty"`
	Name           string           `json:"name,omitempty"` // of the desk
	Coop           string           `json:"coop,omitempty"` // that the invitation was made for
	Box            string           `json:"box,omitempty"`  // id of this box at the desk
	KeyFingerprint string           `json:"key_fingerprint,omitempty"`
	Words          [4]string        `json:"words,omitzero"` // the desk shows the same
	Joined         time.Time        `json:"joined,omitzero"`
	LastSent       time.Time        `json:"last_sent,omitzero"` // that the desk confirmed
	LastTried      time.Time        `json:"last_tried,omitzero"`
	NextTry        time.Time        `json:"next_try,omitzero"`
	Waiting        int              `json:"waiting"` // entries that the desk does not have yet
	Problem        *problem.Problem `json:"problem,omitempty"`
}

// ConsoleAccess lets one person into the console, once, until it expires.
type ConsoleAccess struct {
	URL     string    `json:"url"` // of the console; the token is not in it
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}
