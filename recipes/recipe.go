// SPDX-License-Identifier: AGPL-3.0-or-later

// Package recipes owns the recipe format: how to run one app, at one version.
// It reads, checks, renders and embeds recipes. Outsiders write recipes and
// check them with this package alone, so it is a leaf: it knows nothing of the
// appliance, the engine or the network. Every parser in it is fuzzed, and every
// recipe of the catalogue is linted by its tests.
package recipes

import (
	"cmp"
	"io/fs"
	"time"
)

// Format is the newest format of recipe.yaml that this program knows. It is
// raised when a program that does not know the change would run a recipe
// wrongly; a key that may be ignored does not raise it.
const Format = 1

// Recipe is a folder with recipe.yaml, compose.yaml, README.md and icon.svg,
// read and checked.
type Recipe struct {
	Format  int               `json:"format,omitempty" jsonschema:"minimum=1"`                              // of this file; 1 if left out
	Name    string            `json:"name" jsonschema:"pattern=^[a-z][a-z0-9]*(-[a-z0-9]+)*$,maxLength=40"` // slug
	Version string            `json:"version" jsonschema:"pattern=^[0-9][0-9A-Za-z.+-]*-[1-9][0-9]*$"`      // upstream, hyphen, our revision: "7.0.2-1"
	Title   map[string]string `json:"title"`                                                                // by language: en, es, fr
	Summary map[string]string `json:"summary"`
	Need    string            `json:"need"` // of the network's product list: website, files, calendar, wiki …
	Licence string            `json:"licence" jsonschema:"minLength=1"`

	Homepage        string `json:"homepage" jsonschema:"pattern=^https://"`
	Source          string `json:"source" jsonschema:"pattern=^https://"`
	SecurityContact string `json:"security_contact" jsonschema:"pattern=^(https://|mailto:)"`

	Needs        Needs                  `json:"needs"`
	Web          []Web                  `json:"web" jsonschema:"minItems=1"`
	Settings     []Setting              `json:"settings,omitempty"`
	Secrets      []Secret               `json:"secrets,omitempty"`
	Data         []Data                 `json:"data"`
	Health       Check                  `json:"health"`
	Smoke        []Check                `json:"smoke" jsonschema:"minItems=1"`
	FirstAccount FirstAccount           `json:"first_account"`
	Images       map[string]ImageSource `json:"images"` // by Compose service
	Mail         *Mail                  `json:"mail,omitempty"`
	SignIn       *SignIn                `json:"sign_in,omitempty"`
	Upgrade      Upgrade                `json:"upgrade"`
	Rename       Rename                 `json:"rename"`
	AntiFeatures []string               `json:"anti_features,omitempty"`
	Maintainers  []Maintainer           `json:"maintainers" jsonschema:"minItems=1"`
	Offers       []Offer                `json:"offers,omitempty"`

	files   fs.FS  // the recipe's folder
	compose []byte // compose.yaml as read
}

// Files returns the recipe's folder, read-only.
func (r *Recipe) Files() fs.FS { return r.files }

// Needs is what the app needs of the box, measured, not guessed.
type Needs struct {
	MemoryMiB     int      `json:"memory_mib" jsonschema:"minimum=1"`
	DiskMiB       int      `json:"disk_mib" jsonschema:"minimum=1"`
	Architectures []string `json:"architectures" jsonschema:"enum=amd64,enum=arm64,enum=arm,minItems=1"` // as Go names them: amd64, arm64, arm
	Measured      string   `json:"measured" jsonschema:"minLength=1"`                                    // date, and with what
}

// Web is an HTTP service that gets an address. The first one is the main one.
type Web struct {
	Name    string `json:"name" jsonschema:"pattern=^[a-z][a-z0-9]*([-_][a-z0-9]+)*$"`
	Service string `json:"service"` // of compose.yaml
	// first label of the address that is suggested, "wiki" for wiki.demo.coop; if left out, the name
	Address string `json:"address,omitempty" jsonschema:"pattern=^[a-z][a-z0-9]*(-[a-z0-9]+)*$,maxLength=40"`
	Port    int    `json:"port" jsonschema:"minimum=1,maximum=65535"`
}

// Setting is a question to the person who adds the app.
type Setting struct {
	Name     string            `json:"name" jsonschema:"pattern=^[a-z][a-z0-9]*([-_][a-z0-9]+)*$"`
	Type     string            `json:"type" jsonschema:"enum=text,enum=email,enum=number,enum=bool,enum=choice"` // text, email, number, bool, choice
	Title    map[string]string `json:"title"`
	Help     map[string]string `json:"help,omitempty"`
	Default  string            `json:"default,omitempty"`
	Required bool              `json:"required,omitempty"`
	Choices  []string          `json:"choices,omitempty"`
	// what people read in place of each choice: by choice, by language
	Labels  map[string]map[string]string `json:"labels,omitempty"`
	Pattern string                       `json:"pattern,omitempty"` // RE2, the whole answer must match
}

// Label is what people who read a language see of a choice; English, or the choice
// itself, where there are no words.
func (s Setting) Label(choice, lang string) string {
	labels := s.Labels[choice]
	return cmp.Or(labels[lang], labels["en"], choice)
}

// Suggested is the first label of the address that suits an app.
func (r *Recipe) Suggested() string {
	if len(r.Web) == 0 {
		return r.Name
	}
	return cmp.Or(r.Web[0].Address, r.Web[0].Name)
}

// Secret is generated once per install and kept.
type Secret struct {
	Name   string `json:"name" jsonschema:"pattern=^[a-z][a-z0-9]*([-_][a-z0-9]+)*$"`
	Length int    `json:"length" jsonschema:"minimum=16,maximum=128"` // characters; letters and digits
}

// Data is a volume that holds what members made.
type Data struct {
	Volume  string   `json:"volume"`                                                                 // of compose.yaml
	Kind    string   `json:"kind" jsonschema:"enum=files,enum=database,enum=cache"`                  // files, database, cache
	Engine  string   `json:"engine,omitempty" jsonschema:"enum=mariadb,enum=postgresql,enum=sqlite"` // database: mariadb, postgresql, sqlite
	Service string   `json:"service,omitempty"`                                                      // database: the service that serves it
	Dump    []string `json:"dump,omitempty"`                                                         // database: command in the service that writes a consistent dump to its output; run as it is, without variables
}

// Check is an HTTP request to a web service and what must come back.
type Check struct {
	Web      string        `json:"web,omitempty"` // name; empty: the main one
	Path     string        `json:"path" jsonschema:"pattern=^/"`
	Status   []int         `json:"status,omitempty"`    // any of them; empty: 200
	Contains string        `json:"contains,omitempty"`  // text in the body (first MiB)
	Within   time.Duration `json:"within,omitempty"`    // how long it may take to become true; 0: 2 minutes
	SignedIn bool          `json:"signed_in,omitempty"` // with HTTP basic credentials of the first account
}

// FirstAccount says how the owner's account is made before the public can
// reach the app. User, form values and commands may use ${…} variables.
type FirstAccount struct {
	None     bool       `json:"none,omitempty"` // the app has no accounts
	User     string     `json:"user,omitempty"`
	Password string     `json:"password,omitempty"` // name of a Secret
	HTTP     []HTTPStep `json:"http,omitempty"`     // requests that make it, in order
	Exec     []ExecStep `json:"exec,omitempty"`     // or commands in a service
	Proof    *Check     `json:"proof,omitempty"`    // true only when the account exists
	Path     string     `json:"path,omitempty"`     // of the sign-in page
}

// HTTPStep is one request that helps to make the first account.
type HTTPStep struct {
	Web      string            `json:"web,omitempty"`
	Method   string            `json:"method" jsonschema:"enum=GET,enum=POST"`
	Path     string            `json:"path" jsonschema:"pattern=^/"`
	Form     map[string]string `json:"form,omitempty"`
	Status   []int             `json:"status,omitempty"`
	Contains string            `json:"contains,omitempty"`
}

// ExecStep is one command that helps to make the first account. Stdin may use
// variables, so that secrets stay off the command line.
type ExecStep struct {
	Service string   `json:"service"`
	Command []string `json:"command"`
	Stdin   string   `json:"stdin,omitempty"`
}

// ImageSource says where a service's image can come from. Compose's own image
// (with digest) is the registry's; Debian is a folder under debian/ with a
// Dockerfile that begins FROM coopkit/debian-base.
type ImageSource struct {
	Debian string `json:"debian,omitempty"`
}

// Mail maps the box's outgoing mail settings to environment variables.
type Mail struct {
	Service string            `json:"service"`
	Env     map[string]string `json:"env"`
}

// SignIn maps the box's OpenID Connect settings to environment variables.
type SignIn struct {
	Service string            `json:"service"`
	Env     map[string]string `json:"env"`
}

// Upgrade says from where this version may be reached.
type Upgrade struct {
	From []string `json:"from" jsonschema:"minItems=1"` // version ranges of the upstream part, e.g. ">=6.0 <8.0"
}

// Rename says what must happen when the main address changes.
type Rename struct {
	How  string     `json:"how" jsonschema:"enum=restart,enum=exec,enum=never"` // restart, exec, never
	Exec []ExecStep `json:"exec,omitempty"`
}

// Maintainer vouches for the recipe.
type Maintainer struct {
	Name    string `json:"name"`
	Contact string `json:"contact,omitempty" jsonschema:"pattern=^(https://|mailto:)"` // left out: that of the program which carries the recipe
}

// Offer is hosting or support by a co-op, with its discount for ICA members.
type Offer struct {
	By                 string `json:"by"`
	Kind               string `json:"kind" jsonschema:"enum=hosting,enum=support,enum=training"` // hosting, support, training
	URL                string `json:"url" jsonschema:"pattern=^https://"`
	ICADiscountPercent int    `json:"ica_discount_percent" jsonschema:"minimum=0,maximum=100"`
}

// Vars are the values that a compose.yaml and the first account may use:
//
//	${HOST} ${URL}             of the main address ("www.demo.coop", "https://www.demo.coop:8443")
//	${HOST_<WEB>} ${URL_<WEB>} of another web service
//	${SETTING_<NAME>}          an answer
//	${SECRET_<NAME>}           a generated secret
//	${TIMEZONE}                e.g. Europe/Madrid
//
// NAME and WEB are upper case with underscores. The type is a plain map so
// that an exported app is a compose.yaml with a .env file.
type Vars map[string]string
