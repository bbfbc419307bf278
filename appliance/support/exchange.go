// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/net/http/httpproxy"

	"coopkit/desk/wire"
)

const (
	answerWithin = 30 * time.Second // of one exchange, from the name server to the last byte
	maxRetry     = time.Hour        // the longest that a desk may ask to wait
)

// answer is what a desk said to one message.
type answer struct {
	body      []byte
	signature string
}

// network is the usual way to a desk: TLS as wire.TLSConfig says, through the
// proxy that the environment names now.
func network(desk string, pin []byte) (http.RoundTripper, error) {
	config, err := wire.TLSConfig(desk, pin)
	if err != nil {
		return nil, err
	}
	if check := config.VerifyConnection; check != nil {
		config.VerifyConnection = func(s tls.ConnectionState) error {
			if err := check(s); err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
			}
			return nil
		}
	}
	proxy := httpproxy.FromEnvironment().ProxyFunc()
	return &http.Transport{
		Proxy:           func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		TLSClientConfig: config, MaxConnsPerHost: 1, IdleConnTimeout: 2 * wire.LongestPeriod, MaxResponseHeaderBytes: 16 << 10,
	}, nil
}

// exchange sends one message to the desk of the link. Leaving ends it. The
// caller holds turn. Errors are *unreachable, *refusal or Problems.
func (s *Support) exchange(ctx context.Context, l *Link, path string, body []byte, signature string) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, fmt.Errorf("no answer within %s", answerWithin))
	defer cancel()
	s.mu.Lock()
	s.cancel = cancel
	gone := s.leave
	s.mu.Unlock()
	if gone {
		return answer{}, context.Canceled
	}
	if s.way == nil {
		var err error
		if s.way, err = s.d.Transport(l.URL, l.Pin); err != nil {
			return answer{}, err
		}
	}
	return post(ctx, s.way, l.URL, path, body, signature)
}

// post sends one message and reads the answer to it.
func post(ctx context.Context, way http.RoundTripper, desk, path string, body []byte, signature string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, desk+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", wire.ContentType)
	req.Header.Set(wire.HeaderSignature, signature)
	req.Header["Idempotency-Key"] = nil // not sent; lets Go try again on a connection that the desk just closed
	resp, err := way.RoundTrip(req)
	if err != nil {
		return answer{}, noAnswer(ctx, desk, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, wire.MaxReportBytes+1))
	if err != nil {
		return answer{}, noAnswer(ctx, desk, err)
	}
	if resp.StatusCode/100 == 2 {
		if len(text) > wire.MaxReportBytes {
			return answer{}, notTheDesk(desk, "the answer is far too long", nil)
		}
		return answer{body: text, signature: resp.Header.Get(wire.HeaderSignature)}, nil
	}
	return answer{}, notTaken(desk, resp, text)
}

// errNoAnswer is the cause when a message may or may not have reached the desk.
var errNoAnswer = errors.New("no answer")

// noAnswer says why there was none.
func noAnswer(ctx context.Context, desk string, err error) error {
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return notTheDesk(desk, "its certificate is not the one that was agreed on when this box joined", v)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return unreachableDesk(desk, err.Error(), errNoAnswer)
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil {
		return min(max(time.Duration(n)*time.Second, 0), maxRetry)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetry)
	}
	return 0
}

// dropWay forgets the way to the desk. The caller holds turn.
func (s *Support) dropWay() {
	drain(s.way)
	s.way = nil
}

// drain closes what a way has open.
func drain(way http.RoundTripper) {
	if c, ok := way.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
