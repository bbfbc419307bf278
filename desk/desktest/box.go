// SPDX-License-Identifier: AGPL-3.0-or-later

package desktest

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"coopkit/desk/wire"
)

// Box speaks the protocol as a box does, and can be made to speak it wrongly.
// It keeps its journal's number and head; a copy of it is a cloned box.
type Box struct {
	ID     wire.BoxID
	Key    ed25519.PrivateKey
	Words  [4]string
	Next   uint64    // number of the next entry
	Head   wire.Head // after the last one
	Ahead  time.Duration
	Clock  *Clock
	Client *http.Client
	Newest int    // version of the protocol that it says to speak; 0: ours
	More   string // members that only a newer box says, each with a comma behind it

	desk wire.Invitation
	link [32]byte
}

// Answer is what the desk said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Code   string // of the problem, if it is one
}

// NewBox returns a box that has not joined yet, and a fresh key.
func NewBox(code wire.Invitation, clock *Clock) (*Box, error) {
	config, err := wire.TLSConfig(code.Desk, code.Pin)
	if err != nil {
		return nil, err
	}
	b := &Box{Next: 1, desk: code, Clock: clock, Client: &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: time.Minute}}
	_, b.Key, err = ed25519.GenerateKey(rand.Reader)
	return b, err
}

// Join makes a box and enrols it; the test fails if that does not work.
func (d *Desk) Join(code wire.Invitation) *Box {
	d.tb.Helper()
	b, err := NewBox(code, d.Clock)
	if err != nil {
		d.tb.Fatal(err)
	}
	d.tb.Cleanup(b.Client.CloseIdleConnections)
	if a, err := b.Enrol(d.tb.Context()); err != nil || a.Status != http.StatusOK {
		d.tb.Fatalf("enrol: %d %s, %v", a.Status, a.Body, err)
	}
	return b
}

// Enrolment returns a fresh enrolment, and the private half of its nonce.
func (b *Box) Enrolment() (wire.Enrolment, *ecdh.PrivateKey, error) {
	nonce, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return wire.Enrolment{}, nil, err
	}
	public := b.Key.Public().(ed25519.PublicKey)
	e := wire.Enrolment{
		Version: wire.Version, Newest: b.Newest, Invitation: b.desk.ID(), Key: public, Nonce: nonce.PublicKey().Bytes(),
		Facts: wire.Facts{Coop: "Lantern Street Bakery", Name: "mill", Agent: "0.9.0", System: "Debian 12", Arch: "amd64", CPUs: 2, Memory: 4 << 30},
	}
	e.MAC = wire.EnrolmentMAC(wire.VerifierOf(b.desk.Secret), b.desk.Key, public, e.Nonce)
	return e, nonce, nil
}

// Enrol joins the desk and checks its answer; a refusal is in the Answer.
func (b *Box) Enrol(ctx context.Context) (Answer, error) {
	e, nonce, err := b.Enrolment()
	if err != nil {
		return Answer{}, err
	}
	body, err := b.encode(e)
	if err != nil {
		return Answer{}, err
	}
	a, err := b.Post(ctx, wire.PathEnrol, body, wire.SignEnrolment(b.Key, b.desk.Key, body))
	if err != nil || a.Status != http.StatusOK {
		return a, err
	}
	if !wire.VerifyEnrolled(b.desk.Key, body, a.Body, a.Header.Get(wire.HeaderSignature)) {
		return a, errors.New("the answer is not signed by the desk")
	}
	enrolled, err := wire.DecodeEnrolled(a.Body)
	if err != nil {
		return a, err
	}
	b.ID, b.Words = enrolled.Box, wire.FourWords(body, a.Body)
	b.link, err = wire.LinkKey(nonce, enrolled.Nonce, body, a.Body)
	return a, err
}

// Report returns the body of the next report. Entries without a time get now.
func (b *Box) Report(entries ...wire.Entry) ([]byte, error) {
	now := wire.At(b.Clock.Now().Add(b.Ahead))
	for i := range entries {
		if entries[i].At.IsZero() {
			entries[i].At = now
		}
	}
	return b.encode(wire.Report{Version: wire.Version, Box: b.ID, Sent: now, First: b.Next, Previous: b.Head, Entries: entries})
}

// encode writes a message as this box does.
func (b *Box) encode(message any) ([]byte, error) {
	body, err := wire.Encode(message)
	if err != nil {
		return nil, err
	}
	return append([]byte("{"+b.More), body[1:]...), nil
}

// Send sends the next report and moves on when it is acknowledged.
func (b *Box) Send(ctx context.Context, entries ...wire.Entry) (wire.Ack, Answer, error) {
	body, err := b.Report(entries...)
	if err != nil {
		return wire.Ack{}, Answer{}, err
	}
	return b.SendBody(ctx, body)
}

// SendBody signs and sends a report that Report returned, perhaps again.
func (b *Box) SendBody(ctx context.Context, body []byte) (wire.Ack, Answer, error) {
	a, err := b.Post(ctx, wire.PathReports, body, wire.SignReport(b.Key, body))
	if err != nil || a.Status != http.StatusOK {
		return wire.Ack{}, a, err
	}
	ack, err := wire.OpenAck(b.link, body, a.Body)
	if err != nil {
		return ack, a, err
	}
	r, entries, err := wire.DecodeReport(body)
	if err != nil {
		return ack, a, err
	}
	if r.First == b.Next && r.Previous == b.Head && ack.Ack >= r.Last() {
		for _, e := range entries {
			b.Head = b.Head.After(e)
		}
		b.Next += uint64(len(entries))
	}
	return ack, a, nil
}

// Leave tells the desk that the box goes.
func (b *Box) Leave(ctx context.Context) (Answer, error) {
	body, err := wire.Encode(wire.Leave{Version: wire.Version, Box: b.ID, Sent: wire.At(b.Clock.Now()), Reason: "we move"})
	if err != nil {
		return Answer{}, err
	}
	return b.Post(ctx, wire.PathLeave, body, wire.SignLeave(b.Key, body))
}

// Post sends anything to the desk.
func (b *Box) Post(ctx context.Context, path string, body []byte, signature string) (_ Answer, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.desk.Desk+path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderSignature, signature)
	r.Header["Idempotency-Key"] = nil // not sent; lets Go try again on a connection that a desk closed when it stopped
	answer, err := b.Client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	a := Answer{Status: answer.StatusCode, Header: answer.Header, Body: said}
	var problem struct {
		Code string `json:"code"`
	}
	if a.Status >= http.StatusBadRequest && json.Unmarshal(said, &problem) == nil {
		a.Code = problem.Code
	}
	return a, nil
}

// Sample is an entry with a sample.
func Sample(load float64) wire.Entry {
	return wire.Entry{Sample: &wire.Sample{UptimeS: 864_000, Load: load, Memory: 4 << 30, MemoryUsed: 2 << 30, Disk: 120 << 30, DiskUsed: 41 << 30, Apps: 2, AppsUp: 2}}
}
