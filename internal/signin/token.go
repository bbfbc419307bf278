// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// A token is typed from one screen into another: 20 of 28 letters and digits
// are 96 bits. There is nothing that looks like something else (0 O, 1 I L),
// and no vowel, so that no word comes out.
const (
	tokenLetters = "23456789BCDFGHJKMNPQRSTVWXYZ"
	tokenLength  = 20
	tokenGroup   = 4
)

// Token lets somebody in once, until it expires.
type Token struct {
	Text    string // such as 7K2M-9QX4-TB3C-5WND-8RHF; only shown, never stored
	Expires time.Time
}

// LogValue keeps the text out of logs.
func (t Token) LogValue() slog.Value { return slog.StringValue("(secret)") }

// Grant is what a valid token is for.
type Grant struct {
	First   bool   // it makes the first account; there is no Person
	Person  Person // it sets the password of this one
	Expires time.Time
}

// printToken draws a token.
func printToken() string {
	var b strings.Builder
	random := make([]byte, 1)
	for n := 0; n < tokenLength; {
		rand.Read(random)
		i := int(random[0])
		if i >= 256/len(tokenLetters)*len(tokenLetters) {
			continue // or the first letters would come more often
		}
		if n > 0 && n%tokenGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(tokenLetters[i%len(tokenLetters)])
		n++
	}
	return b.String()
}

// parseToken returns the letters of a token as they are hashed: capital, and
// without what stands between the groups. It is false for what cannot be one.
func parseToken(typed string) (string, bool) {
	if len(typed) > 4*tokenLength {
		return "", false
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch {
		case strings.ContainsRune(tokenLetters, r):
			b.WriteRune(r)
		case strings.ContainsRune(" -_.\t\r\n\u00a0\u2010\u2011\u2012\u2013\u2014", r):
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == tokenLength
}

// tokenHash is what the database knows. A plain hash is enough for 96 random
// bits, and the time that the look-up of a hash takes tells nothing.
func tokenHash(letters string) string {
	sum := sha256.Sum256([]byte(letters))
	return hex.EncodeToString(sum[:])
}

// NewToken makes a token with which person sets a password and is signed in,
// or, for the empty id, with which the first account is made. Older tokens for
// the same are useless from now on. Problems: "person-unknown",
// "account-closed", "first-account-exists".
func (s *Service) NewToken(ctx context.Context, person PersonID, ttl time.Duration) (Token, error) {
	if person == "" {
		first, err := s.FirstRun(ctx)
		if err != nil {
			return Token{}, err
		}
		if !first {
			return Token{}, &problem.Problem{
				Code: "first-account-exists", Kind: problem.Conflict,
				What: "the first account was made already",
				Next: []string{"make a token for the person who cannot sign in", s.wayBack},
			}
		}
	} else if p, err := s.store.person(ctx, person); err != nil {
		return Token{}, err
	} else if p.Disabled {
		return Token{}, s.closed()
	}
	now, text := s.now(), printToken()
	letters, _ := parseToken(text)
	t := Token{Text: text, Expires: now.Add(ttl)}
	return t, s.store.addToken(ctx, tokenRow{hash: tokenHash(letters), person: person, expires: t.Expires}, now)
}

// CheckToken says what a token is for, and does not use it up. Problems:
// "token-wrong", "token-over", "signin-locked".
func (s *Service) CheckToken(ctx context.Context, text string, c Client) (Grant, error) {
	row, err := s.token(ctx, text, c)
	if err != nil {
		return Grant{}, err
	}
	if row.person == "" {
		return Grant{First: true, Expires: row.expires}, nil
	}
	p, err := s.store.person(ctx, row.person)
	return Grant{Person: p, Expires: row.expires}, err
}

// FirstAccount makes the first account with a token, once, and signs it in. A
// password that breaks a rule does not use up the token. Problems: those of
// CheckToken, AddPerson and CheckPassword.
func (s *Service) FirstAccount(ctx context.Context, text string, n NewPerson, c Client) (session string, _ Person, err error) {
	row, err := s.token(ctx, text, c)
	if err != nil {
		return "", Person{}, err
	}
	if row.person != "" {
		return "", Person{}, s.tokenOver("it is for somebody who has an account")
	}
	p, err := newPerson(n, s.now())
	if err != nil {
		return "", Person{}, err
	}
	hash, err := s.newHash(ctx, p.Name, n.Password)
	if err != nil {
		return "", Person{}, err
	}
	session, sess := s.newSession(p.ID, c)
	if err := s.over(s.store.firstAccount(ctx, row.hash, p, hash, sess)); err != nil {
		return "", Person{}, err
	}
	s.log.Info("first account made", slog.String(logkey.Person, string(p.ID)), slog.String(logkey.Addr, c.Addr.String()))
	return session, p, nil
}

// Redeem uses a token of a person who has an account: it sets the password,
// ends all other sessions and signs in. A password that breaks a rule does not
// use up the token. Problems: those of CheckToken and CheckPassword.
func (s *Service) Redeem(ctx context.Context, text, password string, c Client) (session string, _ Person, err error) {
	row, err := s.token(ctx, text, c)
	if err != nil {
		return "", Person{}, err
	}
	if row.person == "" {
		return "", Person{}, s.tokenOver("it makes the first account")
	}
	p, err := s.store.person(ctx, row.person)
	if err != nil {
		return "", Person{}, err
	}
	hash, err := s.newHash(ctx, p.Name, password)
	if err != nil {
		return "", Person{}, err
	}
	session, sess := s.newSession(p.ID, c)
	addr := prefix(c.Addr)
	err = s.store.redeem(ctx, row.hash, hash, sess, []string{accountKey(p.Name, addr), addressKey(addr), tokenKey(addr)})
	if err := s.over(err); err != nil {
		return "", Person{}, err
	}
	s.log.Info("signed in with a token", slog.String(logkey.Person, string(p.ID)), slog.String(logkey.Addr, c.Addr.String()))
	return session, p, nil
}

// token finds a token that may still be used; wrong ones are counted.
func (s *Service) token(ctx context.Context, text string, c Client) (tokenRow, error) {
	ctx = context.WithoutCancel(ctx) // a guess that is not counted would be free
	keys := []failureKey{{tokenKey(prefix(c.Addr)), tokenTries}}
	if err := s.refuseLocked(ctx, keys); err != nil {
		return tokenRow{}, err
	}
	letters, ok := parseToken(text)
	row, err := s.store.token(ctx, tokenHash(letters))
	switch {
	case !ok || errors.Is(err, errUnknownToken):
		return tokenRow{}, s.counted(ctx, keys, c, s.tokenWrong())
	case err != nil:
		return tokenRow{}, err
	case row.used:
		return tokenRow{}, s.tokenOver("it was used before")
	case !s.now().Before(row.expires):
		return tokenRow{}, s.tokenOver("its time ended at " + row.expires.Format("15:04 UTC on 2006-01-02"))
	}
	return row, nil
}

// over turns errTokenUsed into its Problem: somebody was faster.
func (s *Service) over(err error) error {
	if errors.Is(err, errTokenUsed) {
		return s.tokenOver("it was used before")
	}
	return err
}

func (s *Service) tokenWrong() error {
	return &problem.Problem{
		Code: "token-wrong", Kind: problem.Forbidden,
		What: "no token reads like this one",
		Why:  "a letter may be missing, or a newer token was made since",
		Next: []string{"compare it with the one you were given: it has no 0 and 1, and no vowels", s.wayBack},
	}
}

func (s *Service) tokenOver(why string) error {
	return &problem.Problem{
		Code: "token-over", Kind: problem.Forbidden,
		What: "this token is no longer of use",
		Why:  why,
		Next: []string{"make a new token", s.wayBack},
	}
}
