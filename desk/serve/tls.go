// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"coopkit/internal/limit"
	"coopkit/internal/logkey"
	"coopkit/internal/ownca"
	"coopkit/internal/problem"
)

// secured is how the desk's port speaks TLS, and for which names.
type secured struct {
	config *tls.Config
	names  ownca.Names // nil: the certificate says it
}

// listener speaks TLS on l, which has the bounds of connections.
func (s secured) listener(l net.Listener) net.Listener {
	return limit.Secure(ownca.Listener(l), fewShared(s.config, limit.NewBudget(mostShared, mostSharedOfOne)), headersWithin)
}

// openTLS returns the certificate's side of the desk: that of the files, or of
// an authority in the state folder, whose pin goes into invitations.
func openTLS(cfg Config, hosts []string, log *slog.Logger) (secured, []byte, error) {
	if cfg.TLSCert == "" && cfg.TLSKey == "" {
		ca, err := ownca.Open(filepath.Join(cfg.State, "ca"), cfg.Now)
		if err != nil {
			return secured{}, nil, err
		}
		names := ownca.MachineNames(func(name string) bool { return slices.Contains(hosts, name) })
		return secured{ca.TLSConfig(names), names}, ca.Pin(), nil
	}
	f := &certificateFiles{cert: cfg.TLSCert, key: cfg.TLSKey, log: log}
	if _, err := f.get(nil); err != nil {
		return secured{}, nil, &problem.Problem{
			Code: "desk-certificate-unusable", Kind: problem.Invalid,
			What: "the certificate of the desk cannot be read",
			Why:  "--tls-cert and --tls-key have to be PEM files of one certificate that this user may read",
			Next: []string{"look at both files", "or leave both out: then the desk signs its own, and boxes know it by the invitation"},
			Err:  err,
		}
	}
	return secured{config: &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: ownca.CipherSuites(), GetCertificate: f.get, NextProtos: []string{"h2", "http/1.1"},
	}}, nil, nil
}

// certificateFiles is a certificate in files that something else renews. It is
// read again when a file has changed; until the new one is whole, the old one
// is used.
type certificateFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	changed [2]time.Time
	now     *tls.Certificate
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var changed [2]time.Time
	for i, file := range []string{f.cert, f.key} {
		if info, err := os.Stat(file); err == nil {
			changed[i] = info.ModTime()
		}
	}
	if f.now != nil && changed == f.changed {
		return f.now, nil
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	switch {
	case err == nil:
		f.now, f.changed = &c, changed
	case f.now == nil:
		return nil, err
	default:
		f.log.Warn("changed certificate not read, the old one is used", slog.Any(logkey.Err, err))
	}
	return f.now, nil
}
