// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"coopkit/desk/store"
	"coopkit/desk/wire"
	"coopkit/internal/limit"
)

// enrol takes on a box that knows the secret of an invitation. Addresses that
// are refused often have to wait.
func (s *Server) enrol(w http.ResponseWriter, r *http.Request) error {
	from := limit.Network(r.RemoteAddr)
	if wait := s.guesses.blocked(from, s.Now()); wait > 0 {
		return tooOften(w, wait)
	}
	body, err := read(r, nil)
	if err == nil {
		var said []byte
		if said, err = s.admit(r, body); err == nil {
			w.Header().Set(wire.HeaderSignature, wire.SignEnrolled(s.Key, body, said))
			send(w, http.StatusOK, said)
			return nil
		}
	}
	s.guesses.wait(from, s.Now())
	return err
}

// admit checks an enrolment and returns the answer. The same request gets the
// same answer again, for a box that never got it.
func (s *Server) admit(r *http.Request, body []byte) ([]byte, error) {
	e, err := wire.DecodeEnrolment(body)
	if err != nil {
		return nil, malformed(err)
	}
	i, err := s.Store.Invited(r.Context(), e.Invitation)
	if err != nil {
		return nil, err
	}
	desk := s.Key.Public().(ed25519.PublicKey)
	if !hmac.Equal(wire.EnrolmentMAC(i.Verifier, desk, e.Key, e.Nonce), e.MAC) {
		return nil, store.UnknownInvitation()
	}
	if !wire.VerifyEnrolment(e.Key, desk, body, r.Header.Get(wire.HeaderSignature)) {
		return nil, wrongSignature()
	}
	request := sha256.Sum256(body)
	if bytes.Equal(i.Request, request[:]) {
		return i.Answer, nil
	}
	if err := i.Usable(s.Now()); err != nil {
		return nil, err
	}
	n := store.NewBox{
		Invitation: e.Invitation, ID: wire.BoxID(strings.ToLower(rand.Text()[:12])),
		Key: e.Key, Facts: e.Facts, Request: request[:],
	}
	if err := s.accept(&n, e, i, body); err != nil {
		return nil, err
	}
	return n.Answer, s.Store.Enrol(r.Context(), n)
}

// accept makes the desk's half of the enrolment.
func (s *Server) accept(n *store.NewBox, e wire.Enrolment, i store.Invited, body []byte) error {
	mine, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make nonce: %w", err)
	}
	agreed, err := wire.Agree(e.Speaks(), wire.Spoken)
	if err != nil {
		return malformed(err)
	}
	if agreed == 1 {
		agreed = 0 // the first boxes did not know this member
	}
	n.Answer, err = wire.Encode(wire.Enrolled{
		Version: agreed, Box: n.ID, Nonce: mine.PublicKey().Bytes(), Desk: s.Name, Coop: i.CoopName,
		Pending: !i.Confirmed, PeriodS: int(s.Store.Period().Seconds()),
	})
	if err != nil {
		return err
	}
	if n.Link, err = wire.LinkKey(mine, e.Nonce, body, n.Answer); err != nil {
		return malformed(err)
	}
	n.Words = wire.FourWords(body, n.Answer)
	return nil
}
