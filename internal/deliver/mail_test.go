// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"coopkit/internal/deliver"
	"coopkit/internal/deliver/delivertest"
	"coopkit/internal/problem"
)

var hello = deliver.Message{
	ID: "m-7f3k9q2m", At: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), Subject: "La página está cerrada - Panadería",
	Text: "Qué: la página no responde.\n\n.un punto al comienzo\n", Link: "https://box.example:8420/findings/X/app:wiki", Urgent: true,
}

func isProblem(t *testing.T, err error, code string) {
	t.Helper()
	_ = problemOf(t, err, code)
}

// problemOf returns the Problem with that code that err must be.
func problemOf(t *testing.T, err error, code string) *problem.Problem {
	t.Helper()
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Code != code {
		t.Fatalf("got %v, want a problem %s", err, code)
	}
	if p.What == "" || len(p.Next) == 0 {
		t.Errorf("%s does not say what to do: %+v", code, p)
	}
	return p
}

func TestMail_arrivesWhole(t *testing.T) {
	t.Parallel()
	for _, security := range []deliver.Security{deliver.TLS, deliver.StartTLS, deliver.None} {
		t.Run(string(security), func(t *testing.T) {
			t.Parallel()
			post := delivertest.New(t, security, true)
			reply := hello
			reply.ID, reply.Thread = "m-2", hello.ID
			for _, m := range []deliver.Message{hello, reply} {
				if err := (deliver.Mail{Relay: post.Relay(), To: "ana@example.net"}).Deliver(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			all := post.Await(t, 2)
			got := all[0]
			if got.From != delivertest.User || got.To != "ana@example.net" || got.Subject() != hello.Subject {
				t.Errorf("from %s to %s: %s", got.From, got.To, got.Subject())
			}
			if got.Body != hello.Text {
				t.Errorf("body %q, want %q", got.Body, hello.Text)
			}
			for header, want := range map[string]string{
				"Message-Id": "<m-7f3k9q2m@example.org>", "Date": "Mon, 23 Nov 2026 09:00:00 +0000", "Auto-Submitted": "auto-generated", "Importance": "high", "In-Reply-To": "",
			} {
				if got.Header.Get(header) != want {
					t.Errorf("%s: %q, want %q", header, got.Header.Get(header), want)
				}
			}
			if got := all[1].Header.Get("References"); got != "<m-7f3k9q2m@example.org>" {
				t.Errorf("the second mail refers to %q", got)
			}
		})
	}
}

// A relay that hangs up when it has the mail has it: it is not sent again.
func TestMail_thatTheRelayHasIsDelivered(t *testing.T) {
	t.Parallel()
	post := delivertest.New(t, deliver.None, false)
	listener := after250(t, post.Relay())
	relay := post.Relay()
	relay.Port = listener
	if err := (deliver.Mail{Relay: relay, To: "ana@example.net"}).Deliver(t.Context(), hello); err != nil {
		t.Error(err)
	}
	post.Await(t, 1)
}

func TestMail_saysWhatIsWrong(t *testing.T) {
	t.Parallel()
	refuse := func(at delivertest.Stage, code int) func(*testing.T) (deliver.Relay, string) {
		return func(t *testing.T) (deliver.Relay, string) {
			t.Helper()
			post := delivertest.New(t, deliver.StartTLS, true)
			post.Refuse(at, &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "says no"})
			return post.Relay(), "ana@example.net"
		}
	}
	with := func(security deliver.Security, change func(*deliver.Relay)) func(*testing.T) (deliver.Relay, string) {
		return func(t *testing.T) (deliver.Relay, string) {
			t.Helper()
			r := delivertest.New(t, security, security != deliver.None).Relay()
			change(&r)
			return r, "ana@example.net"
		}
	}
	for name, c := range map[string]struct {
		setting func(*testing.T) (deliver.Relay, string)
		code    string
	}{
		"the name does not exist": {with(deliver.StartTLS, func(r *deliver.Relay) {
			r.Host = "mail.nowhere.invalid"
			r.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "mail.nowhere.invalid", IsNotFound: true}}
			}
		}), "delivery-name-unknown"},
		"no name server answers": {with(deliver.StartTLS, func(r *deliver.Relay) {
			r.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
			}
		}), "delivery-name-unanswered"},
		"nothing listens":           {with(deliver.StartTLS, func(r *deliver.Relay) { r.Port = 1 }), "delivery-refused"},
		"STARTTLS is not offered":   {with(deliver.None, func(r *deliver.Relay) { r.Security = deliver.StartTLS }), "mail-no-tls"},
		"TLS where none is spoken":  {with(deliver.None, func(r *deliver.Relay) { r.Security = deliver.TLS }), "mail-no-tls"},
		"certificate not known":     {with(deliver.TLS, func(r *deliver.Relay) { r.Roots = nil }), "delivery-certificate"},
		"certificate not known too": {with(deliver.StartTLS, func(r *deliver.Relay) { r.Roots = nil }), "delivery-certificate"},
		"wrong password":            {with(deliver.StartTLS, func(r *deliver.Relay) { r.Password = "guess" }), "mail-signin-refused"},
		"no password":               {with(deliver.TLS, func(r *deliver.Relay) { r.User, r.Password = "", "" }), "mail-signin-needed"},
		"nowhere to sign in":        {with(deliver.None, func(r *deliver.Relay) { r.User, r.Password = "a", "b" }), "mail-signin-none"},
		"sender":                    {refuse(delivertest.AtMail, 553), "mail-sender-refused"},
		"recipient":                 {refuse(delivertest.AtRcpt, 550), "mail-recipient-refused"},
		"greylisted":                {refuse(delivertest.AtRcpt, 451), "delivery-later"},
		"busy":                      {refuse(delivertest.AtMail, 421), "delivery-later"},
		"spam":                      {refuse(delivertest.AtData, 554), "mail-refused"},
		"not a relay":               {with(deliver.None, func(r *deliver.Relay) { r.Host = "https://mail.example.org" }), "relay-invalid"},
		"none beyond this box":      {with(deliver.None, func(r *deliver.Relay) { r.Host = "mail.example.org" }), "relay-invalid"},
		"line break in the sender":  {with(deliver.None, func(r *deliver.Relay) { r.From = "a@b.example\r\nBcc: all@b.example" }), "relay-invalid"},
		"line break in the receiver": {func(t *testing.T) (deliver.Relay, string) {
			t.Helper()
			return delivertest.New(t, deliver.None, false).Relay(), "a@b.example>\r\nRCPT TO:<c@b.example"
		}, "mail-address-invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			relay, to := c.setting(t)
			var log bytes.Buffer
			err := deliver.Mail{Relay: relay, To: to}.Deliver(t.Context(), hello)
			p := problemOf(t, err, c.code)
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "err", err, "relay", relay)
			if all := fmt.Sprintf("%v %+v %#v %s %v", p, relay, relay, log.String(), p.Args); relay.Password != "" && strings.Contains(all, delivertest.Password) {
				t.Errorf("the password is in %s", all)
			}
		})
	}
}

func TestMail_aRelayThatSaysNothingIsCutOff(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	relay := deliver.Relay{Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, Security: deliver.None, From: "a@b.example"}
	began := time.Now()
	isProblem(t, deliver.Mail{Relay: relay, To: "c@d.example"}.Deliver(ctx, hello), "delivery-timeout")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// after250 stands before a relay and hangs up when it has accepted the mail,
// without an answer to QUIT.
func after250(t *testing.T, relay deliver.Relay) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		in, err := ln.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", net.JoinHostPort(relay.Host, fmt.Sprint(relay.Port)))
		if err != nil {
			return
		}
		go func() {
			buf := make([]byte, 4096)
			for {
				n, err := out.Read(buf)
				if err != nil {
					return
				}
				_, _ = in.Write(buf[:n])
				if bytes.HasPrefix(buf[:n], []byte("250 2.0.0 OK: queued")) {
					_, _ = in.Close(), out.Close()
					return
				}
			}
		}()
		buf := make([]byte, 4096)
		for {
			n, err := in.Read(buf)
			if err != nil {
				return
			}
			_, _ = out.Write(buf[:n])
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}
