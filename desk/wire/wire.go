// SPDX-License-Identifier: AGPL-3.0-or-later

// Package wire owns the messages between a box and a desk, their limits and how
// they are signed; it is the only thing that both sides import. The protocol is
// specified in docs/reference/desk-protocol.md. The package knows nothing of
// HTTP handlers, databases or of how either side decides. Its tests check the
// vectors of that page, provoke every mistake and fuzz every parser.
package wire

import (
	"cmp"
	"time"
)

// Where a desk takes the messages, each by POST, and their type.
const (
	PathEnrol   = "/v1/enrolments"
	PathReports = "/v1/reports"
	PathLeave   = "/v1/leave"
	ContentType = "application/json"
	// HeaderSignature carries the signature of the body, in base64url without padding.
	HeaderSignature = "Coopkit-Signature"
)

// Limits of what a desk takes.
const (
	MaxReportBytes = 64 << 10
	MaxEntries     = 60
	MaxFindingText = 500 // bytes of each sentence of a finding
	MaxSkew        = 5 * time.Minute
)

// How often boxes report: one that is asked for more, or for less, keeps to
// these.
const (
	ShortestPeriod = 30 * time.Second
	LongestPeriod  = 15 * time.Minute
)

// BoxID names a box at one desk: 12 letters and digits, chosen by the desk.
type BoxID string

// Enrolment asks a desk to take a box on. The secret of the invitation is not
// in it: MAC proves that the box has it. The body is signed with the box's key.
// It is read by desks of all versions, so members are added to it and none is
// changed.
type Enrolment struct {
	Version    int    `json:"v"`               // oldest that the box speaks
	Newest     int    `json:"v_max,omitempty"` // 0: Version
	Invitation string `json:"invitation"`      // InvitationID of the secret
	Key        []byte `json:"key"`             // Ed25519 public key of the box
	Nonce      []byte `json:"nonce"`           // fresh X25519 public key of the box
	MAC        []byte `json:"mac"`             // EnrolmentMAC
	Facts      Facts  `json:"facts"`           // so that the desk can show who asks
}

// Enrolled is the desk's answer, signed with the desk's key in HeaderSignature
// over EnrolledBytes.
type Enrolled struct {
	Version int    `json:"v,omitempty"` // in which they go on; 0: 1
	Box     BoxID  `json:"box"`
	Nonce   []byte `json:"nonce"` // fresh X25519 public key of the desk
	Desk    string `json:"desk"`  // the desk's name, for people
	Coop    string `json:"coop"`  // the co-op that the invitation was made for
	Pending bool   `json:"pending"`
	PeriodS int    `json:"period_s"` // seconds between two reports
}

// Report is what a box sends: consecutive entries of its journal, oldest first.
// Previous is the Head after the entry before the first, so that a journal that
// has forked (a cloned box) or gone back is noticed.
type Report struct {
	Version  int     `json:"v"`
	Box      BoxID   `json:"box"`
	Sent     Time    `json:"sent"`
	First    uint64  `json:"first"` // number of the first entry, from 1
	Previous Head    `json:"prev"`
	Entries  []Entry `json:"entries"`
}

// Last is the number of the last entry.
func (r Report) Last() uint64 { return r.First + uint64(len(r.Entries)) - 1 }

// Entry is one thing that a box tells; one of the pointers is set, or none where
// only a newer program knows the kind.
type Entry struct {
	At      Time         `json:"at"`
	Sample  *Sample      `json:"sample,omitempty"`
	Facts   *Facts       `json:"facts,omitempty"`
	Finding *Finding     `json:"finding,omitempty"` // new, or changed
	Solved  *FindingName `json:"solved,omitempty"`
	Missing *Missing     `json:"missing,omitempty"`
	// Open is the list of all findings that are open at this entry. It is sent
	// after the desk asked for everything (Ack.Full); what is not on it is solved.
	Open *[]Finding `json:"open,omitempty"`
}

// Sample is how a box is at one moment. Bytes are bytes, Load is per core.
type Sample struct {
	UptimeS    int64   `json:"up_s"`
	Load       float64 `json:"load"`
	Memory     uint64  `json:"mem"`
	MemoryUsed uint64  `json:"mem_used"`
	Disk       uint64  `json:"disk"`
	DiskUsed   uint64  `json:"disk_used"`
	Apps       int     `json:"apps"`
	AppsUp     int     `json:"apps_up"`
}

// Missing stands for samples that were dropped because the desk was away for
// longer than the outbox keeps them. Findings and facts are never dropped.
type Missing struct {
	Samples int  `json:"samples"`
	From    Time `json:"from"`
	To      Time `json:"to"`
}

// Facts are what a box is and carries; sent at enrolment and whenever they
// change.
type Facts struct {
	Coop         string        `json:"coop,omitempty"` // as the box calls its co-op
	Name         string        `json:"name"`           // as people call the box
	Agent        string        `json:"agent"`          // version
	System       string        `json:"system"`         // "Debian 12"
	Arch         string        `json:"arch"`
	Kernel       string        `json:"kernel"`
	Engine       string        `json:"engine,omitempty"`
	CPUs         int           `json:"cpus"`
	Memory       uint64        `json:"memory"`
	Language     string        `json:"language,omitempty"`
	Installs     []Install     `json:"installs,omitempty"`
	Sites        []Site        `json:"sites,omitempty"`
	Certificates []Certificate `json:"certificates,omitempty"`
	Backup       *Backup       `json:"backup,omitempty"`
}

// Install is one app of a box.
type Install struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitempty"` // what people call it; boxes of older versions do not say
	Recipe  string `json:"recipe"`
	Version string `json:"version"`
	Release int    `json:"release"`
	State   string `json:"state"` // running, starting, stopped, failing, adding, changing, unknown
	Host    string `json:"host,omitempty"`
	// Reach says whether visitors from outside can open it: open, warned, inside,
	// not-switched, closed, unknown; boxes of older versions do not say.
	Reach string `json:"reach,omitempty"`
}

// Called is what people call the app.
func (i Install) Called() string { return cmp.Or(i.Title, i.Name) }

// Site is one static site of a box.
type Site struct {
	Host      string `json:"host"`
	Version   int    `json:"version"`
	Published Time   `json:"published"`
}

// Certificate is one certificate of a box's front door.
type Certificate struct {
	Host    string `json:"host"`
	Issuer  string `json:"issuer"`
	Expires Time   `json:"expires"`
}

// Backup says when data was last backed up and when that was last proven by a
// restore; nil in Facts means that there are no backups.
type Backup struct {
	Last   Time `json:"last,omitzero"`
	Proven Time `json:"proven,omitzero"`
}

// FindingName tells findings apart.
type FindingName struct {
	Code    string `json:"code"`
	Subject string `json:"subject,omitempty"`
}

// Finding is the result of a check, as on the box.
type Finding struct {
	FindingName
	Severity string   `json:"severity"` // notice, warning or critical
	What     string   `json:"what"`
	Why      string   `json:"why,omitempty"`
	Next     []string `json:"next,omitempty"`
	Who      string   `json:"who,omitempty"`
	Since    Time     `json:"since"`
	// Args are the values in the sentences, from which a desk says them in its
	// reader's language.
	Args map[string]string `json:"args,omitempty"`
}

// Ack is the desk's answer to a report that it has stored durably.
type Ack struct {
	Ack     uint64 `json:"ack"`    // number of the last entry that is stored
	NextS   int    `json:"next_s"` // seconds until the next report is welcome
	Time    Time   `json:"time"`   // the desk's clock
	Full    bool   `json:"full,omitempty"`
	Answers []byte `json:"mac"` // proves that this desk answers this report; it is the last member, see SealAck
}

// Leave tells the desk that the box goes. It is signed like a report.
type Leave struct {
	Version int    `json:"v"`
	Box     BoxID  `json:"box"`
	Sent    Time   `json:"sent"`
	Reason  string `json:"reason,omitempty"`
}

const timeLayout = "2006-01-02T15:04:05Z"

// Time is a moment in whole seconds, written as RFC 3339 in UTC.
type Time struct{ time.Time }

// At returns t in whole seconds, UTC.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Second)} }

// MarshalJSON writes RFC 3339 without fractions; the zero time is "".
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte(`""`), nil
	}
	b := append(make([]byte, 0, len(timeLayout)+2), '"')
	return append(t.UTC().Truncate(time.Second).AppendFormat(b, timeLayout), '"'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, and nothing else.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == `""` {
		*t = Time{}
		return nil
	}
	const quoted = `"` + timeLayout + `"`
	if len(b) != len(quoted) { // Parse takes fractions too
		return errLength
	}
	at, err := time.Parse(quoted, string(b))
	t.Time = at.UTC()
	return err
}
