// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// tell wakes everybody who waits for a change; c.mu is held.
func (c *certificates) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// note keeps the outcome of an attempt for host.
func (c *certificates) note(host hostname.Name, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.hosts[host]; st != nil {
		st.lastAttempt, st.lastError = c.now(), err
		c.tell()
	}
}

// infos lists what is known, sorted by host.
func (c *certificates) infos() []appliance.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]appliance.Certificate, 0, len(c.hosts))
	for host, st := range c.hosts {
		info := appliance.Certificate{Host: string(host), Private: c.ca != nil || c.cfg.Issuer.TrustedRoot != ""}
		if st.lastError != nil {
			info.Problem = certificateFailed(host, st.lastError)
		}
		if cert := c.newest(host); cert != nil {
			info.Issuer, info.NotBefore, info.NotAfter = cert.Leaf.Issuer.CommonName, cert.Leaf.NotBefore, cert.Leaf.NotAfter
			if info.Problem == nil && !c.now().Before(info.NotAfter) {
				info.Problem = certificateFailed(host, errEnded)
			}
		}
		out = append(out, info)
	}
	slices.SortFunc(out, func(a, b appliance.Certificate) int { return cmp.Compare(a.Host, b.Host) })
	return out
}

// errEnded says that a certificate has ended before a new one was there.
var errEnded = errors.New("it has ended, and a new one is not there yet")

// newest returns the cached certificate of host that lasts longest; c.mu is held.
func (c *certificates) newest(host hostname.Name) *certmagic.Certificate {
	if c.cache == nil {
		return nil
	}
	var best *certmagic.Certificate
	for _, cert := range c.cache.AllMatchingCertificates(string(host)) {
		if cert.Leaf != nil && (best == nil || cert.Leaf.NotAfter.After(best.Leaf.NotAfter)) {
			best = &cert
		}
	}
	return best
}

// ready reports whether host has a certificate that is valid now; c is locked.
func (c *certificates) ready(host hostname.Name) bool {
	cert := c.newest(host)
	return cert != nil && c.now().Before(cert.Leaf.NotAfter)
}

// wait waits for a certificate; see Gateway.WaitCertificate.
func (c *certificates) wait(ctx context.Context, host hostname.Name) error {
	for {
		c.mu.Lock()
		st, ready, changed := c.hosts[host], c.ready(host), c.changed
		var last error
		if st != nil {
			last = st.lastError
		}
		c.mu.Unlock()
		switch {
		case st == nil:
			return certificateFailed(host, errors.New("the front door has no such host"))
		case ready:
			return nil
		}
		select {
		case <-ctx.Done():
			return certificateFailed(host, cmp.Or(last, ctx.Err()))
		case <-changed:
		}
	}
}

// settleLimit is how long a visitor waits for the first look at a certificate:
// at a start it lies on the disk, and a moment later is better than a warning.
const settleLimit = 2 * time.Second

// settle waits until the first attempt to get a certificate for host is over,
// for as long as settleLimit.
func (c *certificates) settle(ctx context.Context, host hostname.Name) {
	var limit *time.Timer
	for {
		c.mu.Lock()
		st, changed := c.hosts[host], c.changed
		open := st != nil && st.lastAttempt.IsZero()
		c.mu.Unlock()
		if !open {
			return
		}
		if limit == nil {
			limit = time.NewTimer(settleLimit)
			defer limit.Stop()
		}
		select {
		case <-changed:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// certificateFailed tells in plain words why host has no new certificate.
func certificateFailed(host hostname.Name, cause error) *problem.Problem {
	p := &problem.Problem{
		Code: "certificate-failed", Kind: problem.Failed,
		What: "could not give " + string(host) + " a certificate",
		Why:  "the certificate authority could not be reached or did not answer",
		Next: []string{"coopkit doctor", "wait: the box tries again by itself"},
		Args: map[string]string{"host": string(host)},
		Err:  cause,
	}
	if refusal, ok := errors.AsType[acme.Problem](cause); ok {
		p.Why, p.Next = refusalInWords(host, refusal)
		return p
	}
	if errors.Is(cause, errEnded) {
		p.Why = errEnded.Error()
		return p
	}
	if _, ok := errors.AsType[net.Error](cause); !ok && !errors.Is(cause, context.DeadlineExceeded) {
		p.Why = "something on this box stood in the way"
	}
	return p
}

// refusalInWords explains the error types of RFC 8555 section 6.7 that people meet.
func refusalInWords(host hostname.Name, refusal acme.Problem) (string, []string) {
	again := "the box tries again by itself"
	for _, sub := range refusal.Subproblems {
		if sub.Type != "" && refusal.Type == acme.ProblemTypeCompound {
			refusal = sub.Problem
			break
		}
	}
	switch refusal.Type {
	case acme.ProblemTypeExternalAccountRequired:
		return "the certificate authority gives certificates only to accounts that it knows (External Account Binding)",
			[]string{"get a key and its name from the certificate authority", "give both to the agent: --acme-eab-kid NAME --acme-eab-key-file FILE"}
	case acme.ProblemTypeConnection:
		return "the certificate authority could not reach this box from the Internet",
			[]string{"open ports 80 and 443 to this box in your router", "ask your Internet provider whether these ports are blocked", again}
	case acme.ProblemTypeDNS:
		return "the certificate authority did not find the name in DNS",
			[]string{"check that " + string(host) + " leads to this box: coopkit doctor", again}
	case acme.ProblemTypeCAA:
		return "the CAA records of the name do not allow this certificate authority",
			[]string{"add the certificate authority to the CAA records of the name", again}
	case acme.ProblemTypeRateLimited:
		return "the certificate authority has been asked too often for this name", []string{"wait: " + again}
	case acme.ProblemTypeRejectedIdentifier:
		return "the certificate authority does not give certificates for this name", []string{"choose another name, or another certificate authority"}
	case acme.ProblemTypeUnauthorized, acme.ProblemTypeIncorrectResponse, acme.ProblemTypeTLS:
		return "the certificate authority reached something that is not this box",
			[]string{"check that " + string(host) + " leads to this box and not to another server: coopkit doctor", again}
	default:
		why := "the certificate authority refused"
		if refusal.Detail != "" {
			why += ": " + refusal.Detail
		}
		return why, []string{"coopkit doctor", again}
	}
}
