// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"

	json2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxNumber is the largest entry number: JSON readers in other languages keep
// whole numbers exact up to here.
const maxNumber = 1<<53 - 1

var (
	// ErrTooLong is returned for a message longer than MaxReportBytes.
	ErrTooLong = errors.New("the message is too long")
	// ErrVersion is returned for a message of another version of the protocol.
	ErrVersion = errors.New("the message is of another version of the protocol")

	errLength = errors.New("wrong length")
)

// strict refuses unknown members; duplicate members, members that differ in
// case and text that is not UTF-8 are refused anyway.
var strict = json2.RejectUnknownMembers(true)

// decode reads one message of at most MaxReportBytes.
func decode(body []byte, into any) error {
	if len(body) > MaxReportBytes {
		return ErrTooLong
	}
	if err := json2.Unmarshal(body, into, strict); err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	return nil
}

// DecodeReport reads and checks a report. The second result has the bytes of
// each entry as they are in body, which Head.After wants.
func DecodeReport(body []byte) (Report, [][]byte, error) {
	var raw struct {
		Version  int        `json:"v"`
		Box      BoxID      `json:"box"`
		Sent     Time       `json:"sent"`
		First    uint64     `json:"first"`
		Previous Head       `json:"prev"`
		Entries  []rawEntry `json:"entries"`
	}
	if err := decode(body, &raw); err != nil {
		return Report{}, nil, err
	}
	r := Report{Version: raw.Version, Box: raw.Box, Sent: raw.Sent, First: raw.First, Previous: raw.Previous}
	n := len(raw.Entries)
	switch {
	case r.Version != Version:
		return r, nil, ErrVersion
	case !r.Box.valid():
		return r, nil, errors.New("box is not 12 small letters and digits")
	case r.Sent.IsZero():
		return r, nil, errors.New("sent is missing")
	case n == 0 || n > MaxEntries:
		return r, nil, fmt.Errorf("it has %d entries, not 1 to %d", n, MaxEntries)
	case r.First == 0 || r.First > maxNumber-MaxEntries:
		return r, nil, errors.New("first is not a number of an entry")
	}
	r.Entries = make([]Entry, n)
	raws := make([][]byte, n)
	for i, e := range raw.Entries {
		if err := e.Check(); err != nil {
			return r, nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		r.Entries[i], raws[i] = e.Entry, bytes.TrimLeft(body[e.after:e.end], ", \t\r\n")
	}
	return r, raws, nil
}

// rawEntry is an entry and where it is in the message: between what comes before
// it, with a comma and white space, and its end.
type rawEntry struct {
	Entry
	after, end int64
}

// UnmarshalJSONFrom reads the entry in the pass that reads the message.
func (e *rawEntry) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if _, n := d.StackIndex(d.StackDepth()); n >= MaxEntries {
		return fmt.Errorf("it has more than %d entries", MaxEntries)
	}
	e.after = d.InputOffset()
	if d.PeekKind() != '{' {
		return errors.New("an entry is not an object")
	}
	err := json2.UnmarshalDecode(d, &e.Entry)
	e.end = d.InputOffset()
	return err
}

// DecodeEnrolment reads and checks an enrolment.
func DecodeEnrolment(body []byte) (Enrolment, error) {
	var e Enrolment
	if err := decode(body, &e); err != nil {
		return e, err
	}
	switch {
	case e.Version != Version:
		return e, ErrVersion
	case len(e.Invitation) != 16:
		return e, errors.New("invitation is not 16 letters long")
	case len(e.Key) != ed25519.PublicKeySize || len(e.Nonce) != 32 || len(e.MAC) != 32:
		return e, errors.New("key, nonce and mac are not 32 bytes each")
	}
	return e, e.Facts.check()
}

// DecodeEnrolled reads and checks a desk's answer to an enrolment.
func DecodeEnrolled(body []byte) (Enrolled, error) {
	var e Enrolled
	if err := decode(body, &e); err != nil {
		return e, err
	}
	switch {
	case !e.Box.valid():
		return e, errors.New("box is not 12 small letters and digits")
	case len(e.Nonce) != 32:
		return e, errors.New("nonce is not 32 bytes")
	case e.PeriodS < MinPeriodS || e.PeriodS > MaxPeriodS:
		return e, fmt.Errorf("period_s is not %d to %d", MinPeriodS, MaxPeriodS)
	}
	return e, errors.Join(text("desk", e.Desk, maxName), text("coop", e.Coop, maxName))
}

// DecodeAck reads a desk's answer to a report; whether it is the desk's is to
// be checked with AckMAC.
func DecodeAck(body []byte) (Ack, error) {
	var a Ack
	if err := decode(body, &a); err != nil {
		return a, err
	}
	if len(a.Answers) != 16 {
		return a, errors.New("mac is not 16 bytes")
	}
	return a, nil
}

// DecodeLeave reads and checks the message of a box that goes.
func DecodeLeave(body []byte) (Leave, error) {
	var l Leave
	if err := decode(body, &l); err != nil {
		return l, err
	}
	switch {
	case l.Version != Version:
		return l, ErrVersion
	case !l.Box.valid():
		return l, errors.New("box is not 12 small letters and digits")
	case l.Sent.IsZero():
		return l, errors.New("sent is missing")
	}
	return l, text("reason", l.Reason, MaxFindingText)
}

func (b BoxID) valid() bool {
	if len(b) != 12 {
		return false
	}
	for _, c := range []byte(b) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
