// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"time"

	"coopkit/internal/hostname"
)

// Reach says how far an address reaches: whether visitors from outside can open
// it, as far as the box can know. Package say has the words.
type Reach string

// How far addresses reach. Open is said of visitors from the whole Internet.
const (
	ReachOpen        Reach = "open"
	ReachWarned      Reach = "warned"       // open, but browsers warn: of a certificate that has ended, or that only this network trusts
	ReachInside      Reach = "inside"       // only inside this network, or on this machine
	ReachNotSwitched Reach = "not-switched" // the Internet asks others for its name, or nobody
	ReachClosed      Reach = "closed"       // nobody: what answers there is stopped or does not work
	ReachUnknown     Reach = "unknown"      // it could not be looked up
)

// Reaches are all of them.
var Reaches = []Reach{ReachOpen, ReachWarned, ReachInside, ReachNotSwitched, ReachClosed, ReachUnknown}

// AddressReach is how far one address of this box reaches.
type AddressReach struct {
	Host    hostname.Name `json:"host"`
	Kind    AddressKind   `json:"kind"`
	Install InstallName   `json:"install,omitempty"` // ToService
	Reach   Reach         `json:"reach"`
	Stopped bool          `json:"stopped,omitempty"` // it is closed because somebody wants it so
	Name    string        `json:"name,omitempty"`    // ReachNotSwitched: the name that has to be switched over
	Looked  time.Time     `json:"looked,omitzero"`   // when its name was looked up last
}

// AskReach asks how far the addresses reach.
type AskReach struct {
	Fresh bool `json:"fresh,omitempty"` // look the names up now, which may take seconds
}
