// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"time"

	"coopkit/internal/problem"
)

// Status is the agent about itself.
type Status struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	PID     int       `json:"pid"`
	State   string    `json:"state_dir"`
	HTTP    string    `json:"http"` // listening addresses
	HTTPS   string    `json:"https"`
	DNS     string    `json:"dns"`
	Console string    `json:"console,omitempty"`
	CA      string    `json:"ca,omitempty"` // path of the local CA's certificate, where something here uses it
	Engine  string    `json:"engine"`       // name and version, or why not
	Worst   *Severity `json:"worst"`        // of what the checks found; nil while they have not looked yet
	Looked  time.Time `json:"looked"`       // when the newest check looked; the zero time: not all have yet
	Usage   UsageNow  `json:"usage"`        // of the whole machine
}

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
	Coop     string  `json:"coop"`              // the co-op's own name; may be empty
	Box      string  `json:"box"`               // what people call this box; the machine's name unless set
	Language string  `json:"language"`          // en, es or fr: of what the box says by itself
	Contact  Contact `json:"contact,omitempty"` // how visitors reach a person; shown on the pages that they see while an app is closed
}

// Certificate is what is known about the certificate of one host of the front
// door. Without one only Host and Problem are set.
type Certificate struct {
	Host      string           `json:"host"`
	Issuer    string           `json:"issuer"` // common name of the authority that signed it
	NotBefore time.Time        `json:"not_before,omitzero"`
	NotAfter  time.Time        `json:"expires"`
	Private   bool             `json:"private,omitempty"` // signed by an authority that browsers elsewhere do not know
	Problem   *problem.Problem `json:"problem,omitempty"` // why the last attempt to get one failed; nil: it did not
}

// ConsoleAccess lets one person into the console, once, until it expires.
type ConsoleAccess struct {
	URL     string    `json:"url"` // of the console; the token is not in it
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}
