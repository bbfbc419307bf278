// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"coopkit/appliance"
	"coopkit/desk/wire"
	"coopkit/internal/logkey"
)

// farewell is how long a box tries to tell the desk that it goes.
const farewell = 10 * time.Second

// PlanJoin says which desk a code invites to, how it is known, and what would
// be sent. Nothing is asked of the desk. Errors are Problems
// "invitation-unreadable" and "desk-joined-already".
func (s *Support) PlanJoin(_ context.Context, req appliance.JoinDesk) (appliance.Plan, error) {
	i, err := s.invited(req.Code)
	if err != nil {
		return appliance.Plan{}, err
	}
	return planJoin(i), nil
}

func (s *Support) invited(code string) (wire.Invitation, error) {
	if l := s.current(); l != nil {
		return wire.Invitation{}, joinedAlready(l)
	}
	return wire.ParseInvitation(code)
}

func planJoin(i wire.Invitation) appliance.Plan {
	certificate := appliance.KindAuthority
	if len(i.Pin) > 0 {
		certificate = appliance.KindCertificate
	}
	lines := []appliance.Line{
		{Verb: appliance.VerbCreate, Kind: appliance.KindLink, Name: i.Desk, To: i.ID()},
		{Verb: appliance.VerbCreate, Kind: appliance.KindKey},
		{Verb: appliance.VerbTrust, Kind: appliance.KindKey, Name: Fingerprint(i.Key)},
		{Verb: appliance.VerbTrust, Kind: certificate},
	}
	for _, kind := range []appliance.Kind{
		appliance.KindNames, appliance.KindSystem, appliance.KindApps, appliance.KindSites, appliance.KindCertificates, appliance.KindFindings,
	} {
		lines = append(lines, appliance.Line{Verb: appliance.VerbSend, Kind: kind})
	}
	return appliance.Plan{
		Kind: appliance.ChangeJoin, Subject: "desk:" + i.Desk, Lines: lines,
		Notes: []appliance.Note{
			{Code: appliance.NoteNotSent}, {Code: appliance.NoteDeskListens}, {Code: appliance.NoteSeeSent, Command: "coopkit support preview"},
		},
		WayBack: appliance.Note{Code: appliance.BackLeave, Command: "coopkit support leave"},
	}.Seal()
}

// Join uses the invitation: it makes a key, proves to the desk that this box
// was invited, makes sure that the desk is the one of the invitation, and keeps
// the link. Compare its Words with those that the desk shows. Errors are those
// of PlanJoin, "plan-changed", "invitation-refused", "desk-unreachable" and
// "desk-not-verified".
func (s *Support) Join(ctx context.Context, req appliance.JoinDesk) (appliance.DeskLink, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	i, err := s.invited(req.Code)
	if err != nil {
		return appliance.DeskLink{}, err
	}
	if err := planJoin(i).Agreed(req.PlanHash); err != nil {
		return appliance.DeskLink{}, err
	}
	l, err := s.enrol(ctx, i)
	if err != nil {
		return appliance.DeskLink{}, err
	}
	if err := s.d.Store.SaveDeskLink(ctx, l); err != nil {
		s.sayFarewell(ctx, &l)
		return appliance.DeskLink{}, err
	}
	s.setLink(&l)
	s.note(func(m *moment) { m.tried, m.heard = l.Joined, l.Joined })
	s.d.Log.InfoContext(ctx, "joined a desk", slog.String(logkey.Host, l.URL), slog.String("box", string(l.Box)))
	s.nudge()
	return s.Status(ctx)
}

// enrol exchanges keys with the desk of the invitation.
func (s *Support) enrol(ctx context.Context, i wire.Invitation) (Link, error) {
	public, key, err1 := ed25519.GenerateKey(rand.Reader)
	nonce, err2 := ecdh.X25519().GenerateKey(rand.Reader)
	facts, err3 := s.d.Facts(ctx)
	way, err4 := s.d.Transport(i.Desk, i.Pin)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return Link{}, fmt.Errorf("prepare to join: %w", err)
	}
	defer drain(way)
	own := nonce.PublicKey().Bytes()
	newest := wire.Spoken.Max
	if newest == wire.Spoken.Min {
		newest = 0 // the first desks did not know this member
	}
	body, err := wire.Encode(wire.Enrolment{
		Version: wire.Spoken.Min, Newest: newest, Invitation: i.ID(), Key: public, Nonce: own,
		MAC: wire.EnrolmentMAC(wire.VerifierOf(i.Secret), i.Key, public, own), Facts: facts.Tidy(),
	})
	if err != nil {
		return Link{}, err
	}
	a, err := insist(ctx, way, i, body, wire.SignEnrolment(key, i.Key, body))
	if r, ok := errors.AsType[*refusal](err); ok {
		if r.said.Code == "protocol-version" {
			return Link{}, versionsDiffer(i.Desk, r.said.reason())
		}
		return Link{}, invitationRefused(i.Desk, r.said)
	}
	if err != nil {
		return Link{}, err
	}
	if !wire.VerifyEnrolled(i.Key, body, a.body, a.signature) {
		return Link{}, notTheDesk(i.Desk, "the answer is not signed with the key that the invitation names", nil)
	}
	e, err := wire.DecodeEnrolled(a.body)
	if v, ok := errors.AsType[*wire.VersionError](err); ok {
		return Link{}, versionsDiffer(i.Desk, v.Error())
	}
	if err != nil {
		return Link{}, notTheDesk(i.Desk, "the answer cannot be read", err)
	}
	secret, err := wire.LinkKey(nonce, e.Nonce, body, a.body)
	if err != nil {
		return Link{}, notTheDesk(i.Desk, "the answer cannot be used", err)
	}
	l := Link{
		URL: i.Desk, Pin: i.Pin, DeskKey: i.Key, Box: e.Box, Key: key, Secret: secret, Name: e.Desk, Coop: e.Coop,
		Words: wire.FourWords(body, a.body), Joined: s.d.Now().UTC().Truncate(time.Millisecond),
		State: appliance.DeskLinked, Period: bounded(e.PeriodS),
	}
	if e.Pending {
		l.State = appliance.DeskPending
	}
	return l, nil
}

// insist sends the enrolment again when no answer came: the desk may have taken
// it, and gives the same answer to the same words.
func insist(ctx context.Context, way http.RoundTripper, i wire.Invitation, body []byte, signature string) (a answer, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, fmt.Errorf("no answer within %s", answerWithin))
	defer cancel()
	for range 3 {
		if a, err = post(ctx, way, i.Desk, wire.PathEnrol, body, signature); !errors.Is(err, errNoAnswer) {
			return a, err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return a, err
		}
	}
	return a, err
}

// Leave ends the link: the keys and the outbox are removed first, then the desk
// is told, if it can be reached. The error is a Problem "desk-not-joined" when
// there is no link.
func (s *Support) Leave(ctx context.Context) error {
	s.mu.Lock()
	s.leave = true // ends the exchange that is under way
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Unlock()
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.leave = false
	}()
	l := s.current()
	if l == nil && s.unreadable() == nil {
		return notJoined()
	}
	if err := s.d.Store.DropDeskLink(ctx); err != nil {
		return err
	}
	s.setLink(nil)
	if l == nil { // nobody knows which desk it was
		return nil
	}
	s.plan = schedule{}
	s.dropWay()
	s.d.Log.InfoContext(ctx, "left the desk", slog.String(logkey.Host, l.URL))
	s.sayFarewell(ctx, l)
	return nil
}

func (s *Support) leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leave
}

// sayFarewell tells the desk that this box goes; if it does not hear of it, it
// sees a box that is silent.
func (s *Support) sayFarewell(ctx context.Context, l *Link) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	way, err := s.d.Transport(l.URL, l.Pin)
	if err == nil {
		defer drain(way)
		var body []byte
		if body, err = wire.Encode(wire.Leave{Version: wire.Version, Box: l.Box, Sent: wire.At(s.d.Now())}); err == nil {
			_, err = post(ctx, way, l.URL, wire.PathLeave, body, wire.SignLeave(l.Key, body))
		}
	}
	if err != nil {
		s.d.Log.WarnContext(ctx, "the desk was not told", slog.Any(logkey.Err, err))
	}
}
