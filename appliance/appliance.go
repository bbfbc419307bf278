// SPDX-License-Identifier: AGPL-3.0-or-later

// Package appliance holds the words of a co-op's box: App, Install, Release,
// Job, Address, Site, Finding. It has no behaviour beyond checking them and
// imports only the standard library and internal leaves, so that every other
// part can speak the same language. It knows nothing of SQL, Docker, HTTP or
// terminals. Its tests are tables and fuzzed parsers.
package appliance

import (
	"net/netip"
	"regexp"
	"time"

	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// InstallName names an install on this box: a slug such as "wordpress" or
// "members-wiki". It becomes part of container, network and volume names.
type InstallName string

var installName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// ParseInstallName checks s. The error is a Problem "install-name-invalid".
func ParseInstallName(s string) (InstallName, error) {
	if len(s) > 40 || !installName.MatchString(s) {
		return "", &problem.Problem{
			Code: "install-name-invalid", Kind: problem.Invalid,
			What: "that is not a name for an install",
			Why:  "a name has 1 to 40 small letters, digits and single hyphens, and begins with a letter",
			Next: []string{"choose a name such as members-wiki"},
		}
	}
	return InstallName(s), nil
}

// Project is the Compose project name of the install: "coopkit-<install>".
func (n InstallName) Project() string { return "coopkit-" + string(n) }

// Wanted is what the co-op wants of an install; the agent keeps it that way.
type Wanted string

// An install is wanted running or stopped.
const (
	WantRunning Wanted = "running"
	WantStopped Wanted = "stopped"
)

// Install is an app on this box.
type Install struct {
	Name        InstallName       `json:"name"`
	Title       string            `json:"title,omitempty"` // its everyday name: what people call it, "Handbook"
	Recipe      string            `json:"recipe"`
	Wanted      Wanted            `json:"wanted"`
	Release     int               `json:"release"`                // number of the current release; 0 before the first
	Subnet      netip.Prefix      `json:"subnet"`                 // of its own network
	HasOwner    bool              `json:"has_owner"`              // its first account exists
	Open        bool              `json:"open"`                   // visitors may reach it; it is closed until its add cannot be undone any more
	Addresses   []hostname.Name   `json:"addresses"`              // the first is the main one
	Settings    map[string]string `json:"settings"`               // answers to the recipe's questions
	Scratch     bool              `json:"scratch,omitempty"`      // made by "coopkit recipe test"; never public
	SigninShown bool              `json:"signin_shown,omitempty"` // the console has shown its first sign-in, which it does once
	Created     time.Time         `json:"created"`
}

// Release is the numbered, immutable state of an install. Rolling back goes to
// an older release.
type Release struct {
	Install  InstallName       `json:"install"`
	Number   int               `json:"number"`
	Version  string            `json:"version"` // of the recipe, e.g. "6.1.9-1"
	Images   map[string]Image  `json:"images"`  // by service
	Settings map[string]string `json:"settings"`
	Program  string            `json:"program,omitempty"` // version of coopkit that recorded it
	Created  time.Time         `json:"created"`
}

// ImageSource says where an image came from.
type ImageSource string

// The sources, in the order in which they are tried unless told otherwise.
const (
	FromBundle   ImageSource = "bundle"
	FromRegistry ImageSource = "registry"
	FromDebian   ImageSource = "debian"
)

// Image is an image resolved to exact bytes.
type Image struct {
	Ref     string      `json:"ref"`              // as people know it, e.g. "docker.io/library/wordpress:7.0.2-apache"
	ID      string      `json:"id"`               // the engine's image id, "sha256:…"
	Digest  string      `json:"digest,omitempty"` // of the registry's manifest, when it came from one
	Source  ImageSource `json:"source"`
	Version string      `json:"version,omitempty"` // of the recipe's program as Debian has it, e.g. "6.1.9"; when it was built here and has that program
}

// AddressKind says what answers at an address.
type AddressKind string

// The kinds of address.
const (
	ToService  AddressKind = "service"
	ToSite     AddressKind = "site"
	ToRedirect AddressKind = "redirect"
)

// Address gives a host name to a service of an install, a static site, or a
// redirect.
type Address struct {
	Host    hostname.Name `json:"host"`
	Kind    AddressKind   `json:"kind"`
	Install InstallName   `json:"install,omitempty"` // ToService
	Web     string        `json:"web,omitempty"`     // name of the recipe's web service
	Target  string        `json:"target,omitempty"`  // ToRedirect: the URL
}

// Site is a static site, in one of its versions.
type Site struct {
	Host      hostname.Name `json:"host"`
	URL       string        `json:"url,omitempty"` // where visitors find it
	Version   int           `json:"version"`
	Published bool          `json:"published"` // it is the version that visitors see
	Files     int           `json:"files"`
	Bytes     int64         `json:"bytes"`
	Created   time.Time     `json:"created"` // when this version was received
}

// Signin is how the owner of an install signs in the first time.
type Signin struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Password string `json:"password"`
}
