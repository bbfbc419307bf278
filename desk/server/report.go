// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/problem"
)

// report takes one report and acknowledges it when it is durable.
func (s *Server) report(w http.ResponseWriter, r *http.Request) error {
	buffer := s.bodies.Get().(*[]byte)
	defer s.bodies.Put(buffer)
	body, err := read(r, (*buffer)[:0])
	*buffer = body
	if err != nil {
		return err
	}
	report, entries, err := wire.DecodeReport(body)
	if err != nil {
		return malformed(err)
	}
	keys, err := s.Store.Keys(r.Context(), report.Box)
	if err != nil {
		return err
	}
	if !s.signatures.Report(keys.Box, body, r.Header.Get(wire.HeaderSignature)) {
		return wrongSignature()
	}
	now := s.Now()
	if wait := s.reports.wait(report.Box, now); wait > 0 {
		return tooOften(w, wait)
	}
	if wait := s.bytes.take(report.Box, len(body), now); wait > 0 {
		return tooOften(w, wait)
	}
	stored, err := s.Store.Receive(r.Context(), &report, entries, body)
	if err != nil {
		return err
	}
	next := int(s.Store.Period().Seconds())
	if stored.Full || len(report.Entries) == wire.MaxEntries {
		next = 1 // there is more to tell
	}
	ack, err := wire.SealAck(keys.Link, body, wire.Ack{Ack: stored.Last, NextS: next, Time: wire.At(s.Now()), Full: stored.Full})
	if err != nil {
		return err
	}
	send(w, http.StatusOK, ack)
	return nil
}

// leave ends what a box reports.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) error {
	body, err := read(r, nil)
	if err != nil {
		return err
	}
	l, err := wire.DecodeLeave(body)
	if err != nil {
		return malformed(err)
	}
	keys, err := s.Store.Keys(r.Context(), l.Box)
	if err != nil {
		return err
	}
	if !wire.VerifyLeave(keys.Box, body, r.Header.Get(wire.HeaderSignature)) {
		return wrongSignature()
	}
	if err := s.Store.Leave(r.Context(), l.Box, l.Reason); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// read appends the whole body to buffer, or gives a Problem.
func read(r *http.Request, buffer []byte) ([]byte, error) {
	if r.ContentLength > wire.MaxReportBytes {
		return buffer, tooLarge()
	}
	from := io.LimitReader(r.Body, wire.MaxReportBytes+1)
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := from.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		switch {
		case len(buffer) > wire.MaxReportBytes:
			return buffer, tooLarge()
		case errors.Is(err, io.EOF):
			return buffer, nil
		case err != nil:
			return buffer, malformed(err)
		}
	}
}

// send sends a message.
func send(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = bytes.NewReader(body).WriteTo(w) // the box may be gone; it asks again
}

var jsonType = []string{wire.ContentType}

func malformed(err error) error {
	if errors.Is(err, wire.ErrTooLong) {
		return tooLarge()
	}
	if v, ok := errors.AsType[*wire.VersionError](err); ok {
		return &problem.Problem{
			Code: "protocol-version", Kind: problem.Invalid,
			What: "box and desk have no version of the protocol in common",
			Why:  v.Error(),
			Next: []string{"bring the " + v.Older() + " to the newest coopkit"},
		}
	}
	return &problem.Problem{
		Code: "message-malformed", Kind: problem.Invalid,
		What: "the desk cannot read this message",
		Why:  "it was cut on the way, or the sender does not keep to the protocol: " + err.Error(),
		Next: []string{"try again; if it stays, bring box and desk to the newest coopkit"},
		Err:  err,
	}
}

func tooLarge() error {
	return &problem.Problem{
		Code: "message-too-large", Kind: problem.Invalid,
		What: "the message is larger than a desk takes",
		Why:  "the limit is " + strconv.Itoa(wire.MaxReportBytes/1024) + " KiB",
		Next: []string{"send fewer entries at a time"},
	}
}

func wrongSignature() error {
	return &problem.Problem{
		Code: "signature-wrong", Kind: problem.Forbidden,
		What: "the message is not signed by the box that it names",
		Why:  "it was changed on the way, forged, or the box has another key than when it joined",
		Next: []string{"if the box was set up anew: ask your IT co-op for an invitation and join again"},
	}
}

func tooOften(w http.ResponseWriter, wait time.Duration) error {
	retryAfter(w, wait)
	return &problem.Problem{
		Code: "too-often", Kind: problem.Unavailable,
		What: "too many messages came from there",
		Why:  "a desk bounds what one box and one address may send",
		Next: []string{"wait a while; a box does that by itself"},
	}
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	seconds := max(int((wait+time.Second-1)/time.Second), 1)
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
}
