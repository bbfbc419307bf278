// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import "fmt"

// Version is the version of the protocol that reports of this program are
// written in. Within a version, members and kinds of entries are added: each
// side ignores those that it does not know. A new number is for what a reader
// must not ignore.
const Version = 1

// Versions are those from Min to Max.
type Versions struct{ Min, Max int }

// Spoken are the versions that this program reads and writes.
var Spoken = Versions{Min: Version, Max: Version}

// Speaks are the versions of the box that sends the enrolment.
func (e Enrolment) Speaks() Versions { return Versions{e.Version, max(e.Version, e.Newest)} }

// Agree returns the newest version that both speak, or a *VersionError.
func Agree(box, desk Versions) (int, error) {
	v := min(box.Max, desk.Max)
	if v < max(box.Min, desk.Min) {
		return 0, &VersionError{Box: box, Desk: desk}
	}
	return v, nil
}

// VersionError is returned when box and desk have no version in common.
type VersionError struct{ Box, Desk Versions }

// Older is the side that has to be updated: "box" or "desk".
func (e *VersionError) Older() string {
	if e.Box.Max < e.Desk.Min {
		return "box"
	}
	return "desk"
}

// Error says so, for people.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the box speaks %s, the desk speaks %s, so the %s has to be updated", e.Box, e.Desk, e.Older())
}

// String is "version 1", or "versions 1 to 2".
func (v Versions) String() string {
	if v.Min == v.Max {
		return fmt.Sprintf("version %d", v.Min)
	}
	return fmt.Sprintf("versions %d to %d", v.Min, v.Max)
}
