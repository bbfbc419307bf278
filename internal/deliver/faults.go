// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"coopkit/internal/problem"
)

// fault says why a relay did not accept a mail.
func (m Mail) fault(ctx context.Context, at stage, err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	answer, answered := errors.AsType[*textproto.Error](err)
	switch {
	case answered:
		return m.refused(at, answer, err)
	case errors.Is(err, errNoTLS), at == encrypting && isPlain(err):
		return &problem.Problem{
			Code: "mail-no-tls", Kind: problem.Unavailable,
			What: "the mail server does not encrypt the connection this way, so no mail was sent",
			Why:  m.Relay.Host + " does not offer what is set at port " + strconv.Itoa(m.Relay.Port),
			Next: []string{"look up at your mail provider which port and which encryption it wants: usually 465 with TLS or 587 with STARTTLS", "change the setting, then send the test again"},
			Args: map[string]string{"host": m.Relay.Host, "port": strconv.Itoa(m.Relay.Port)}, Err: err,
		}
	case errors.Is(err, errNoSignIn):
		return &problem.Problem{
			Code: "mail-signin-none", Kind: problem.Invalid,
			What: "the mail server has no sign-in here, so no mail was sent",
			Why:  m.Relay.Host + " offers no way to sign in at port " + strconv.Itoa(m.Relay.Port),
			Next: []string{"look up at your mail provider which port is for sending with a name and a password", "or leave name and password empty, if it asks for none"},
			Args: map[string]string{"host": m.Relay.Host, "port": strconv.Itoa(m.Relay.Port)}, Err: err,
		}
	default:
		return unreached(ctx, m.Relay.Host, m.Relay.addr(), err)
	}
}

// isPlain reports whether the other side does not speak TLS, or ended the
// attempt.
func isPlain(err error) bool {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return record
}

// refused says what an answer of the relay means at this stage. Codes that begin
// with 4 are for now, those with 5 for good (RFC 5321, section 4.2.1).
func (m Mail) refused(at stage, answer *textproto.Error, err error) error {
	args := map[string]string{"host": m.Relay.Host, "from": m.Relay.From, "to": m.To, "reply": reply(answer)}
	says := m.Relay.Host + " says: " + reply(answer)
	switch {
	case answer.Code/100 == 4:
		return &problem.Problem{
			Code: "delivery-later", Kind: problem.Unavailable,
			What: "the other side does not accept the message yet", Why: says,
			Next: []string{"nothing: it is tried again; many mail servers make a new sender wait for some minutes"}, Args: args, Err: err,
		}
	case at == signingIn:
		return &problem.Problem{
			Code: "mail-signin-refused", Kind: problem.Invalid,
			What: "the mail server does not accept the name and the password", Why: says,
			Next: []string{"type both again; some providers want an app password in place of your own", "ask your mail provider whether programs may send with this account"}, Args: args, Err: err,
		}
	case at == sender && answer.Code == 530:
		return &problem.Problem{
			Code: "mail-signin-needed", Kind: problem.Invalid,
			What: "the mail server wants a name and a password", Why: says,
			Next: []string{"write the name and the password of a mail account in the setting"}, Args: args, Err: err,
		}
	case at == sender:
		return &problem.Problem{
			Code: "mail-sender-refused", Kind: problem.Invalid,
			What: "the mail server accepts no mail from " + m.Relay.From, Why: says,
			Next: []string{"write an address as the sender that belongs to the account"}, Args: args, Err: err,
		}
	case at == recipient:
		return &problem.Problem{
			Code: "mail-recipient-refused", Kind: problem.Invalid,
			What: "the mail server accepts no mail to " + m.To, Why: says,
			Next: []string{"compare the address letter by letter", "if it is right, the server may want a name and a password before it sends mail elsewhere"}, Args: args, Err: err,
		}
	default:
		return &problem.Problem{
			Code: "mail-refused", Kind: problem.Failed,
			What: "the mail server refuses the mail", Why: says,
			Next: []string{"ask your mail provider what its answer means"}, Args: args, Err: err,
		}
	}
}

// reply is the answer of a relay on one line, for people.
func reply(e *textproto.Error) string { return oneLine(strconv.Itoa(e.Code) + " " + e.Msg) }

// oneLine makes what a stranger says a short line without control characters.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// unreached says why host at addr could not be talked to.
func unreached(ctx context.Context, host, addr string, err error) error {
	args := map[string]string{"host": host, "addr": addr}
	dns, lookup := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return err
	case lookup && dns.IsNotFound:
		return &problem.Problem{
			Code: "delivery-name-unknown", Kind: problem.Invalid,
			What: "there is no machine with the name " + host,
			Next: []string{"compare the name letter by letter"}, Args: args, Err: err,
		}
	case lookup:
		return &problem.Problem{
			Code: "delivery-name-unanswered", Kind: problem.Unavailable,
			What: "the name " + host + " cannot be looked up", Why: "no name server answers this box",
			Next: []string{"see whether this box reaches the Internet: coopkit doctor", "then try again"}, Args: args, Err: err,
		}
	case isCertificate(err):
		return certificate(host, args, err)
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return &problem.Problem{
			Code: "delivery-timeout", Kind: problem.Unavailable,
			What: host + " does not answer in time", Why: "no answer came from " + addr + " within " + Limit.String(),
			Next: []string{"compare port and encryption with what your provider says: TLS usually goes with port 465, STARTTLS with 587", "if they are right, the way there may be blocked: ask your Internet provider"}, Args: args, Err: err,
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &problem.Problem{
			Code: "delivery-refused", Kind: problem.Unavailable,
			What: "nothing listens at " + addr,
			Next: []string{"compare name and port with what your provider says", "if they are right, try again later"}, Args: args, Err: err,
		}
	default:
		return &problem.Problem{
			Code: "delivery-broken", Kind: problem.Unavailable,
			What: "the connection to " + host + " broke", Why: oneLine(err.Error()),
			Next: []string{"try again later", "if it stays so, compare port and encryption with what your provider says"}, Args: args, Err: err,
		}
	}
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// certificate says what is wrong with the other side's.
func certificate(host string, args map[string]string, err error) error {
	why := "it is not signed by an authority that this box knows"
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	if _, other := errors.AsType[x509.HostnameError](err); other {
		why = "it is for another name"
	} else if ok && invalid.Reason == x509.Expired {
		why = "it is over, or the clock of this box is wrong"
	}
	return &problem.Problem{
		Code: "delivery-certificate", Kind: problem.Unavailable,
		What: "the certificate of " + host + " cannot be trusted, so nothing was sent", Why: why,
		Next: []string{"compare the name letter by letter: it must be the one that your provider names", "if it is right, tell whoever runs " + host}, Args: args, Err: err,
	}
}
