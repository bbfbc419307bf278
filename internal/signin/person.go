// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

const (
	maxNameBytes    = 100
	maxDisplayBytes = 200
)

// PersonID names a person for good, whatever their name becomes.
type PersonID string

// Person is an account, without its password.
type Person struct {
	ID       PersonID
	Name     string // to sign in with, in lower case
	Display  string // what others read
	Language string // empty: as the browser asks
	Coop     string // of the desk; empty on a box
	Role     string // what it lets somebody do is not known here
	Disabled bool   // closed: it cannot sign in
	Created  time.Time
	Changed  time.Time
}

// NewPerson is what AddPerson and FirstAccount take.
type NewPerson struct {
	Name     string
	Display  string // empty: the name
	Language string
	Password string // empty: the person sets it with a token
	Coop     string
	Role     string // empty: "steward"
}

// signInName is the form of a name in the database: capital letters and the
// ways to write the same letter do not count (RFC 8265). It is empty if it
// cannot be a name.
func signInName(typed string) string {
	name, err := precis.UsernameCaseMapped.String(strings.TrimSpace(typed))
	if err != nil || len(name) > maxNameBytes {
		return ""
	}
	return name
}

// newPerson checks all but the password.
func newPerson(n NewPerson, now time.Time) (Person, error) {
	p := Person{
		ID: PersonID(strings.ToLower(rand.Text()[:16])), Name: signInName(n.Name), Display: norm.NFC.String(strings.TrimSpace(n.Display)),
		Language: n.Language, Coop: n.Coop, Role: n.Role, Created: now, Changed: now,
	}
	if p.Name == "" {
		return Person{}, &problem.Problem{
			Code: "person-name-invalid", Kind: problem.Invalid,
			What: "this cannot be a name to sign in with",
			Why:  "it has letters, digits and signs such as . - _ @, and no spaces",
			Next: []string{"write a name such as ana or ana@demo.coop"},
		}
	}
	if p.Display == "" {
		p.Display = p.Name
	}
	if p.Role == "" {
		p.Role = "steward"
	}
	if len(p.Display) > maxDisplayBytes || strings.ContainsFunc(p.Display, unicode.IsControl) {
		return Person{}, &problem.Problem{
			Code: "person-display-invalid", Kind: problem.Invalid,
			What: "this cannot be shown as a name",
			Why:  "it is longer than 200 bytes, or has more than one line",
			Next: []string{"write a shorter name on one line"},
		}
	}
	return p, nil
}

// taken turns the database's word for a second person of that name into ours.
func taken(err error, name string) error {
	if !sqlitedb.IsUnique(err) {
		return err
	}
	return &problem.Problem{
		Code: "person-name-taken", Kind: problem.Conflict,
		What: "somebody signs in as " + name + " already",
		Next: []string{"choose another name"},
		Args: map[string]string{"name": name},
	}
}

// CheckNew returns all that is wrong with a new person and their password, in the
// order of the fields: Problems "person-display-invalid", "person-name-invalid"
// and those of CheckPassword. It does not know whether the name is taken.
func CheckNew(n NewPerson) []error {
	var wrong []error
	for _, one := range []NewPerson{{Name: "a", Display: n.Display}, {Name: n.Name}} {
		if _, err := newPerson(one, time.Time{}); err != nil {
			wrong = append(wrong, err)
		}
	}
	if err := CheckPassword(n.Name, n.Password); err != nil {
		wrong = append(wrong, err)
	}
	return wrong
}

// AddPerson makes an account. Problems: "person-name-invalid",
// "person-display-invalid", "person-name-taken", and those of CheckPassword.
// Without a password only a token lets the person in.
func (s *Service) AddPerson(ctx context.Context, n NewPerson) (Person, error) {
	p, err := newPerson(n, s.now())
	if err != nil {
		return Person{}, err
	}
	hash := ""
	if n.Password != "" {
		if hash, err = s.newHash(ctx, p.Name, n.Password); err != nil {
			return Person{}, err
		}
	}
	if err := taken(s.store.addPerson(ctx, p, hash), p.Name); err != nil {
		return Person{}, err
	}
	return p, nil
}

// newHash checks the rules and waits for its turn.
func (s *Service) newHash(ctx context.Context, name, password string) (hash string, err error) {
	if err := CheckPassword(name, password); err != nil {
		return "", err
	}
	err = s.hashes.alone(ctx, func(context.Context) error {
		hash = s.hashes.hash(password)
		return nil
	})
	return hash, err
}

// Disable closes an account: its sessions end and its tokens are useless. The
// last open account gives a Problem "last-account".
func (s *Service) Disable(ctx context.Context, id PersonID) error {
	return s.store.disable(ctx, id, s.now())
}

// Enable opens a closed account again; its password is what it was.
func (s *Service) Enable(ctx context.Context, id PersonID) error {
	return s.store.enable(ctx, id, s.now())
}

// Person returns one account, or a Problem "person-unknown".
func (s *Service) Person(ctx context.Context, id PersonID) (Person, error) {
	return s.store.person(ctx, id)
}

// PersonByName returns the account with that sign-in name, or a Problem
// "person-unknown".
func (s *Service) PersonByName(ctx context.Context, name string) (Person, error) {
	p, _, err := s.store.account(ctx, signInName(name))
	return p, err
}

// People returns all accounts by name.
func (s *Service) People(ctx context.Context) ([]Person, error) { return s.store.people(ctx) }

// FirstRun reports whether there is no account yet.
func (s *Service) FirstRun(ctx context.Context) (bool, error) {
	people, err := s.store.people(ctx)
	return len(people) == 0, err
}
