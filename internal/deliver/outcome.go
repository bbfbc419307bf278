// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"coopkit/internal/problem"
)

// maxBody is how much of an answer is read.
const maxBody = 16 << 10

// outcome watches the one request of a try: the status that counts is that of
// the answer, whatever a library makes of it.
type outcome struct {
	rt     http.RoundTripper
	ctx    context.Context //nolint:containedctx // the library's request has none, and this lives for one request
	status int
	err    error
}

// RoundTrip implements http.RoundTripper.
func (o *outcome) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.rt.RoundTrip(r.WithContext(o.ctx))
	if err != nil {
		o.err = err
		return nil, err
	}
	o.status = resp.StatusCode
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxBody)
	return resp, nil
}

// fault says why the other side did not accept the message; nil: it did. err is
// what was made of it when there was no request at all.
func (o *outcome) fault(ctx context.Context, u *url.URL, err error) error {
	args := map[string]string{"host": u.Host, "status": strconv.Itoa(o.status)}
	says := u.Host + " answered " + strconv.Itoa(o.status) + " " + http.StatusText(o.status)
	switch {
	case o.err != nil:
		if p, ok := errors.AsType[*problem.Problem](o.err); ok {
			return p
		}
		return unreached(ctx, u.Hostname(), u.Host, o.err)
	case o.status == 0:
		return err
	case o.status/100 == 2:
		return nil
	case o.status/100 == 3:
		return &problem.Problem{
			Code: "delivery-redirected", Kind: problem.Invalid,
			What: u.Host + " sends the message elsewhere, and it is not sent on", Why: says,
			Next: []string{"write the address to which it leads"}, Args: args,
		}
	case o.status == http.StatusUnauthorized, o.status == http.StatusForbidden:
		return &problem.Problem{
			Code: "delivery-forbidden", Kind: problem.Invalid,
			What: u.Host + " does not let this box send messages", Why: says,
			Next: []string{"compare the token or the secret with that of the receiver"}, Args: args,
		}
	case o.status == http.StatusNotFound, o.status == http.StatusGone:
		return &problem.Problem{
			Code: "delivery-nobody", Kind: problem.Invalid,
			What: "nobody receives messages at this address of " + u.Host, Why: says,
			Next: []string{"compare the address with that of the receiver"}, Args: args,
		}
	default:
		return &problem.Problem{
			Code: "delivery-status", Kind: problem.Unavailable,
			What: u.Host + " does not accept the message", Why: says,
			Next: []string{"nothing, if it passes: it is tried again", "otherwise ask whoever runs " + u.Host}, Args: args,
		}
	}
}
