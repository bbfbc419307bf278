// SPDX-License-Identifier: AGPL-3.0-or-later

package metrics

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"coopkit/appliance"
)

// The settings that hold the hash of the token, and when it was made.
const (
	settingHash  = "metrics_token_sha256"
	settingSince = "metrics_token_since"
)

// tokenPrefix tells people and scanners for secrets what a token is for.
const tokenPrefix = "coopkit_metrics_" //nolint:gosec // what comes behind it is the secret

// gate is who may read: whoever has the token with this hash; without one nobody.
type gate struct {
	hash  []byte
	since time.Time
}

// open reads the gate from the settings, once.
func (m *Metrics) open(ctx context.Context) (gate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gate != nil {
		return *m.gate, nil
	}
	set, err := m.deps.Settings.Settings(ctx)
	if err != nil {
		return gate{}, fmt.Errorf("read who may read metrics: %w", err)
	}
	var g gate
	if hash, err := hex.DecodeString(set[settingHash]); err == nil && len(hash) == sha256.Size {
		g.hash = hash
		g.since, _ = time.Parse(time.RFC3339, set[settingSince]) // zero: unknown
	}
	m.gate = &g
	return g, nil
}

func (m *Metrics) save(ctx context.Context, g gate) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	since := ""
	if g.hash != nil {
		since = g.since.Format(time.RFC3339)
	}
	if err := m.deps.Settings.SaveSettings(ctx, map[string]string{settingHash: hex.EncodeToString(g.hash), settingSince: since}); err != nil {
		return err
	}
	m.gate = &g
	return nil
}

// Access says whether metrics may be read, and where.
func (m *Metrics) Access(ctx context.Context) (appliance.MetricsAccess, error) {
	g, err := m.open(ctx)
	if err != nil {
		return appliance.MetricsAccess{}, err
	}
	url, _ := m.deps.URL() // empty where nobody can read them
	return appliance.MetricsAccess{Allowed: g.hash != nil, Since: g.since, URL: url}, nil
}

// Allow makes the token that lets a Prometheus read; one that was made before
// ends. The error is a Problem where they are not served.
func (m *Metrics) Allow(ctx context.Context) (appliance.MetricsToken, error) {
	url, err := m.deps.URL()
	if err != nil {
		return appliance.MetricsToken{}, err
	}
	token := tokenPrefix + strings.ToLower(rand.Text()+rand.Text())
	hash := sha256.Sum256([]byte(token))
	return appliance.MetricsToken{URL: url, Token: token}, m.save(ctx, gate{hash[:], m.deps.Now().UTC().Truncate(time.Second)})
}

// Revoke ends the token, at once.
func (m *Metrics) Revoke(ctx context.Context) error { return m.save(ctx, gate{}) }

// ServeHTTP answers a Prometheus that has the token. Others learn in plain text
// why not: programs meet this page, not people.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g, err := m.open(r.Context())
	switch token, has := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); {
	case err != nil:
		http.Error(w, "the box cannot say now who may read its metrics; try again", http.StatusServiceUnavailable)
	case g.hash == nil:
		m.refuse(w, "metrics are off; on the box: coopkit metrics allow", http.StatusNotFound)
	case !has || !g.admits(token):
		w.Header().Set("WWW-Authenticate", `Bearer realm="coopkit metrics"`)
		m.refuse(w, "the token is missing, or not the one that counts; on the box: coopkit metrics allow", http.StatusUnauthorized)
	default:
		m.read.ServeHTTP(w, r)
	}
}

// admits compares in a time that says nothing of the token.
func (g gate) admits(token string) bool {
	hash := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(hash[:], g.hash) == 1
}

// refuse says why not, to so many a second.
func (m *Metrics) refuse(w http.ResponseWriter, why string, status int) {
	if !m.refused.Allow() {
		w.Header().Del("WWW-Authenticate")
		w.Header().Set("Retry-After", "10")
		why, status = "too many requests without the token", http.StatusTooManyRequests
	}
	http.Error(w, why, status)
}
