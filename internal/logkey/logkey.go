// SPDX-License-Identifier: AGPL-3.0-or-later

// Package logkey names the attributes of our log lines once, so that a
// technician can search for them. It is a leaf without behaviour, so there is
// nothing in it to test.
package logkey

// The keys; each is used with log/slog attributes only.
const (
	Component = "component"
	Install   = "install"
	Host      = "host"
	Zone      = "zone"
	Recipe    = "recipe"
	Job       = "job"
	Step      = "step"
	Service   = "service"
	Image     = "image"
	Err       = "err"
	RequestID = "request_id"
	Took      = "took"
	Addr      = "addr"
	Path      = "path"
	Person    = "person"
	Code      = "code"
	Count     = "count"
)
