// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"bytes"
	"cmp"
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

	errLength  = errors.New("wrong length")
	errVersion = errors.New("v is missing")
	errBox     = errors.New("box is not 12 small letters and digits")
	errSent    = errors.New("sent is missing")
)

// decode reads one message of at most MaxReportBytes. Members that it does not
// know are of a newer sender and ignored. Those that come twice, and text that
// is not UTF-8, are refused: two readers could understand them differently.
func decode(body []byte, into any) error {
	if len(body) > MaxReportBytes {
		return ErrTooLong
	}
	if err := json2.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	return nil
}

// decodeOfBox is decode for a message of a box, which says its version. One of
// a version that this program does not speak gives a *VersionError, whatever
// else is wrong with it.
func decodeOfBox(body []byte, into any) error {
	err := decode(body, into)
	var e Enrolment // of which other messages have a part
	if errors.Is(err, ErrTooLong) || decode(body, &struct {
		Version *int `json:"v"`
		Newest  *int `json:"v_max"`
	}{&e.Version, &e.Newest}) != nil {
		return err
	}
	if e.Version < 1 {
		return cmp.Or(err, errVersion)
	}
	if _, disagree := Agree(e.Speaks(), Spoken); disagree != nil {
		return disagree
	}
	return err
}

// DecodeReport reads a report. What is beyond the limits is cut as Entry.Tidy
// does, because a box that is newer may have others, and could never send what
// comes behind it. An entry of a kind that this program does not know has none
// of its pointers set. The second result has the bytes of each entry as they
// are in body, which Head.After wants.
func DecodeReport(body []byte) (Report, [][]byte, error) {
	var raw struct {
		Version  int        `json:"v"`
		Box      BoxID      `json:"box"`
		Sent     Time       `json:"sent"`
		First    uint64     `json:"first"`
		Previous Head       `json:"prev"`
		Entries  []rawEntry `json:"entries"`
	}
	err := decode(body, &raw)
	r := Report{Version: raw.Version, Box: raw.Box, Sent: raw.Sent, First: raw.First, Previous: raw.Previous}
	n := len(raw.Entries)
	switch {
	case err != nil || r.Version != Version:
		return r, nil, cmp.Or(decodeOfBox(body, &struct{}{}), err)
	case !r.Box.valid():
		return r, nil, errBox
	case r.Sent.IsZero():
		return r, nil, errSent
	case n == 0 || n > MaxEntries:
		return r, nil, fmt.Errorf("it has %d entries, not 1 to %d", n, MaxEntries)
	case r.First == 0 || r.First > maxNumber-MaxEntries:
		return r, nil, errors.New("first is not a number of an entry")
	}
	r.Entries = make([]Entry, n)
	raws := make([][]byte, n)
	for i, e := range raw.Entries {
		if err := e.check(); err != nil {
			return r, nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		r.Entries[i], raws[i] = e.Tidy(), bytes.TrimLeft(body[e.after:e.end], ", \t\r\n")
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

// check returns an error for what cannot be understood, whoever sent it.
func (e Entry) check() error {
	if e.At.IsZero() {
		return errors.New("at is missing")
	}
	things := 0
	for _, set := range []bool{e.Sample != nil, e.Facts != nil, e.Finding != nil, e.Solved != nil, e.Missing != nil, e.Open != nil} {
		if set {
			things++
		}
	}
	if things > 1 {
		return fmt.Errorf("it tells %d things, not 1", things)
	}
	named := e.Solved == nil || e.Solved.Code != ""
	if e.Finding != nil {
		named = e.Finding.Code != ""
	}
	if e.Open != nil {
		for _, f := range *e.Open {
			named = named && f.Code != ""
		}
	}
	if !named {
		return errors.New("code is missing")
	}
	return nil
}

// DecodeEnrolment reads an enrolment, with its facts within the limits. One of
// a box that speaks other versions only gives a *VersionError.
func DecodeEnrolment(body []byte) (Enrolment, error) {
	var e Enrolment
	if err := decodeOfBox(body, &e); err != nil {
		return e, err
	}
	switch {
	case len(e.Invitation) != 16:
		return e, errors.New("invitation is not 16 letters long")
	case len(e.Key) != ed25519.PublicKeySize || len(e.Nonce) != 32 || len(e.MAC) != 32:
		return e, errors.New("key, nonce and mac are not 32 bytes each")
	}
	e.Facts = e.Facts.Tidy()
	return e, nil
}

// DecodeEnrolled reads a desk's answer to an enrolment. A desk that chose a
// version that this program does not speak gives a *VersionError.
func DecodeEnrolled(body []byte) (Enrolled, error) {
	var e Enrolled
	err := decode(body, &e)
	if e.Version == 0 {
		e.Version = 1 // the first desks did not say it
	}
	if _, disagree := Agree(Spoken, Versions{e.Version, e.Version}); disagree != nil {
		return e, disagree
	}
	switch {
	case err != nil:
		return e, err
	case !e.Box.valid():
		return e, errBox
	case len(e.Nonce) != 32:
		return e, errors.New("nonce is not 32 bytes")
	}
	e.Desk, e.Coop = cut(e.Desk, maxName), cut(e.Coop, maxName)
	return e, nil
}

// DecodeLeave reads the message of a box that goes.
func DecodeLeave(body []byte) (Leave, error) {
	var l Leave
	if err := decodeOfBox(body, &l); err != nil {
		return l, err
	}
	switch {
	case !l.Box.valid():
		return l, errBox
	case l.Sent.IsZero():
		return l, errSent
	}
	l.Reason = cut(l.Reason, MaxFindingText)
	return l, nil
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
