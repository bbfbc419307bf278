// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"coopkit/internal/hostname"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/supervise"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// IssuerKind says where certificates come from.
type IssuerKind string

// The issuers.
const (
	IssuerLocal IssuerKind = "local" // a certificate authority on this box, for LAN and demo
	IssuerACME  IssuerKind = "acme"  // any ACME directory, such as Let's Encrypt
)

// Challenge is a way to prove to an ACME authority that a name is ours.
type Challenge string

// The challenges.
const (
	HTTP01    Challenge = "http-01"
	TLSALPN01 Challenge = "tls-alpn-01"
	DNS01     Challenge = "dns-01"
)

// IssuerConfig says how certificates are made. All but Kind is for ACME.
type IssuerConfig struct {
	Kind        IssuerKind
	Directory   string      // URL of the ACME directory
	Email       string      // for the account; may be empty
	TrustedRoot string      // PEM file of the roots that the directory's own certificate needs; empty = the system's
	Profile     string      // ACME profile; empty = the authority's default
	EABKeyID    string      // of the account that the authority knows (External Account Binding); empty = none
	EABKeyFile  string      // file with its key, as the authority shows it: base64
	Challenges  []Challenge // empty = http-01 and tls-alpn-01; dns-01 excludes the others
}

// certificates looks after one certificate for each wanted host: it obtains
// them with a loop per host, and certmagic renews what is in its cache.
type certificates struct {
	cfg    Config
	log    *slog.Logger
	zap    *zap.Logger
	now    func() time.Time
	issuer func(*certmagic.Config) (certmagic.Issuer, error)
	ca     *localCA         // nil: another issuer
	lost   *tls.Certificate // for names that have no certificate

	mu       sync.Mutex
	life     context.Context // of run; nil before
	cache    *certmagic.Cache
	magic    *certmagic.Config
	acme     *certmagic.ACMEIssuer // nil for the local CA
	httpLn   net.Listener
	httpsLn  net.Listener
	hosts    map[hostname.Name]*hostState
	changed  chan struct{} // closed and replaced at each change of a state
	managing sync.WaitGroup
}

// hostState is what is known about the certificate of one host.
type hostState struct {
	stop        context.CancelFunc // ends its loop; nil before run
	lastError   error
	lastAttempt time.Time
}

// retryWaits are the waits after failed attempts; the last one repeats. They
// stay under the five failures for each name and hour that Let's Encrypt allows.
var retryWaits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

func newCertificates(cfg Config, deps Deps, log *slog.Logger) (*certificates, error) {
	c := &certificates{
		cfg: cfg, log: log, zap: zapToSlog(log), now: deps.Now,
		hosts: make(map[hostname.Name]*hostState), changed: make(chan struct{}),
	}
	if c.cfg.tuning.retry == nil {
		c.cfg.tuning.retry = retryWaits
	}
	var err error
	if c.lost, err = selfSigned(c.now()); err != nil {
		return nil, err
	}
	switch cfg.Issuer.Kind {
	case IssuerLocal:
		c.ca = openLocalCA(filepath.Join(cfg.Storage, "ca"), cfg.tuning.localLifetime, deps)
		c.issuer = func(*certmagic.Config) (certmagic.Issuer, error) { return c.ca, nil }
	case IssuerACME:
		template, err := acmeTemplate(cfg.Issuer, deps.TXT, c.zap)
		if err != nil {
			return nil, err
		}
		c.issuer = func(magic *certmagic.Config) (certmagic.Issuer, error) {
			c.placeChallenges(&template)
			c.acme = certmagic.NewACMEIssuer(magic, template)
			return c.acme, nil
		}
	default:
		return nil, invalidIssuer("it is neither local nor acme", nil)
	}
	return c, nil
}

// acmeTemplate checks the settings of an ACME issuer.
func acmeTemplate(cfg IssuerConfig, txt TXTWriter, log *zap.Logger) (certmagic.ACMEIssuer, error) {
	none := certmagic.ACMEIssuer{}
	if cfg.Directory == "" {
		return none, invalidIssuer("it has no directory", nil)
	}
	t := certmagic.ACMEIssuer{
		CA: cfg.Directory, TestCA: cfg.Directory, Email: cfg.Email, Agreed: true, Profile: cfg.Profile, Logger: log,
		DisableHTTPChallenge: true, DisableTLSALPNChallenge: true,
	}
	challenges := cfg.Challenges
	if len(challenges) == 0 {
		challenges = []Challenge{HTTP01, TLSALPN01}
	}
	for _, ch := range challenges {
		switch {
		case ch == HTTP01:
			t.DisableHTTPChallenge = false
		case ch == TLSALPN01:
			t.DisableTLSALPNChallenge = false
		case ch == DNS01 && txt != nil:
			t.DNS01Solver = dns01{txt}
		default:
			return none, invalidIssuer("the challenge "+string(ch)+" cannot be used here", nil)
		}
	}
	var err error
	if t.ExternalAccount, err = externalAccount(cfg); err != nil {
		return none, err
	}
	if cfg.TrustedRoot != "" {
		pem, err := os.ReadFile(cfg.TrustedRoot)
		if err != nil {
			return none, invalidIssuer("the file with its root certificate cannot be read", err)
		}
		t.TrustedRoots = x509.NewCertPool()
		if !t.TrustedRoots.AppendCertsFromPEM(pem) {
			return none, invalidIssuer("the file with its root certificate has no certificate in it", nil)
		}
	}
	return t, nil
}

// externalAccount reads the key with which a new ACME account is bound to one
// that the authority knows (RFC 8555 section 7.3.4).
func externalAccount(cfg IssuerConfig) (*acme.EAB, error) {
	switch {
	case cfg.EABKeyID == "" && cfg.EABKeyFile == "":
		return nil, nil
	case cfg.EABKeyID == "" || cfg.EABKeyFile == "":
		return nil, invalidIssuer("of the account that the authority knows, either the key's name or its file is not given", nil)
	}
	text, err := os.ReadFile(cfg.EABKeyFile)
	if err != nil {
		return nil, invalidIssuer("the file with the key of the account that the authority knows cannot be read", err)
	}
	key := strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(strings.TrimSpace(string(text)))
	if raw, err := base64.RawURLEncoding.DecodeString(key); err != nil || len(raw) == 0 {
		return nil, invalidIssuer("the file with the key of the account that the authority knows has no key in base64", nil)
	}
	return &acme.EAB{KeyID: cfg.EABKeyID, MACKey: key}, nil
}

func invalidIssuer(why string, err error) error {
	return &problem.Problem{
		Code: "issuer-invalid", Kind: problem.Invalid,
		What: "the source of certificates is not set rightly", Why: why,
		Next: []string{"set the issuer to local, or to acme with a directory and the challenges http-01, tls-alpn-01 or dns-01"},
		Err:  err,
	}
}

// listening tells on which sockets challenges are answered.
func (c *certificates) listening(httpLn, httpsLn net.Listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.httpLn, c.httpsLn = httpLn, httpsLn
}

// placeChallenges makes the issuer count on our listeners, so that certmagic
// opens none of its own; without a plain listener there is no http-01.
func (c *certificates) placeChallenges(t *certmagic.ACMEIssuer) {
	if c.httpLn == nil {
		t.DisableHTTPChallenge = true
	} else {
		t.AltHTTPPort = portOf(c.httpLn)
	}
	t.AltTLSALPNPort = portOf(c.httpsLn)
	if a, ok := c.httpsLn.Addr().(*net.TCPAddr); ok && !a.IP.IsUnspecified() {
		t.ListenHost = a.IP.String()
	}
}

// renewCheck is how often certificates are looked at: often enough for those of
// private authorities that live for minutes. A third of the life is left when
// they are renewed.
const renewCheck = time.Minute

// run looks after certificates until ctx ends, and returns when all its
// goroutines have.
func (c *certificates) run(ctx context.Context) error {
	c.mu.Lock()
	var magic *certmagic.Config
	made := make(chan struct{}) // the cache has a goroutine from the start
	c.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) {
			<-made
			return magic, nil
		},
		RenewCheckInterval: cmp.Or(c.cfg.tuning.renewCheck, renewCheck),
		Logger:             c.zap,
	})
	magic = certmagic.New(c.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: c.cfg.Storage}, Logger: c.zap, OnEvent: c.event,
		ShouldEmitFunc: func(event string) bool { return event == "cert_failed" || event == "cert_obtained" },
	})
	c.magic = magic
	close(made)
	issuer, err := c.issuer(magic)
	if err != nil {
		c.mu.Unlock()
		return err
	}
	c.magic.Issuers = []certmagic.Issuer{issuer}
	c.life = ctx
	for host, st := range c.hosts {
		c.manage(host, st) //nolint:contextcheck // its loop ends with run, not with the caller
	}
	cache := c.cache
	c.mu.Unlock()

	<-ctx.Done()
	c.mu.Lock()
	c.life = nil // from here on no loop is started
	c.mu.Unlock()
	c.managing.Wait()
	cache.Stop()
	return nil
}

// want replaces the set of hosts that are looked after.
func (c *certificates) want(hosts []hostname.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for host, st := range c.hosts {
		if slices.Contains(hosts, host) {
			continue
		}
		delete(c.hosts, host)
		if st.stop != nil {
			st.stop()
			c.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: string(host)}})
		}
	}
	for _, host := range hosts {
		if c.hosts[host] != nil {
			continue
		}
		st := &hostState{}
		c.hosts[host] = st
		if c.life != nil {
			c.manage(host, st)
		}
	}
	c.tell()
}

// manage starts the loop of a host; c.mu is held.
func (c *certificates) manage(host hostname.Name, st *hostState) {
	if c.life.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(c.life)
	st.stop = stop
	c.managing.Go(func() { c.obtain(ctx, host) })
}

// obtain loads or obtains the certificate of host, with waits between attempts
// that fail. From then on certmagic renews it.
func (c *certificates) obtain(ctx context.Context, host hostname.Name) {
	for attempt := 0; ; attempt++ {
		start := c.now()
		err := supervise.Recovered(func() error { return c.magic.ManageSync(ctx, []string{string(host)}) })
		if ctx.Err() != nil {
			return
		}
		c.note(host, err)
		if err == nil {
			c.forgetIfUnwanted(host)
			c.log.Info("certificate ready", logkey.Host, host, logkey.Took, c.now().Sub(start))
			return
		}
		waits := c.cfg.tuning.retry
		wait := waits[min(attempt, len(waits)-1)]
		c.log.Warn("certificate not obtained", logkey.Host, host, logkey.Err, err, "attempt", attempt+1, "next", wait)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// forgetIfUnwanted drops a certificate whose host left the table meanwhile.
func (c *certificates) forgetIfUnwanted(host hostname.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hosts[host] == nil {
		c.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: string(host)}})
	}
}

// event keeps the outcome of renewals, which certmagic does by itself.
func (c *certificates) event(_ context.Context, event string, data map[string]any) error {
	host, _ := data["identifier"].(string)
	err, _ := data["error"].(error)
	if event == "cert_obtained" {
		err = nil
		if renewal, _ := data["renewal"].(bool); renewal {
			c.log.Info("certificate renewed", logkey.Host, host)
		}
	}
	c.note(hostname.Name(host), err)
	return nil
}

// getCertificate chooses the certificate for a handshake: ACME's proofs first,
// then the one of a host in the table. Other names get a certificate that is
// valid for nothing, so that they can be told so (421); no order is made.
func (c *certificates) getCertificate(known bool, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	proof := len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acmez.ACMETLS1Protocol
	if !known && !proof {
		return c.lost, nil
	}
	if !proof {
		c.settle(hello.Context(), hostname.Name(strings.ToLower(hello.ServerName)))
	}
	c.mu.Lock()
	magic := c.magic
	c.mu.Unlock()
	if magic == nil {
		return c.lost, nil
	}
	cert, err := magic.GetCertificate(hello)
	if proof {
		return cert, err
	}
	if err != nil || cert.Certificate == nil {
		return c.lost, nil
	}
	return cert, nil
}

// solveHTTP answers an http-01 challenge and reports whether r was one.
func (c *certificates) solveHTTP(w http.ResponseWriter, r *http.Request) bool {
	if !certmagic.LooksLikeHTTPChallenge(r) {
		return false
	}
	c.mu.Lock()
	issuer := c.acme
	c.mu.Unlock()
	return issuer != nil && issuer.HandleHTTPChallenge(w, r)
}
