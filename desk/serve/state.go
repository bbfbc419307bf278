// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coopkit/internal/atomicfile"
	"coopkit/internal/problem"
	"coopkit/internal/process"
)

// kept is what a desk remembers of how it was started, so that commands beside
// it make invitations that say the same.
type kept struct {
	URL     string `json:"url"`
	Name    string `json:"name"`
	TLSCert string `json:"tls_cert,omitempty"`
	TLSKey  string `json:"tls_key,omitempty"`
	// Hosts are those of the URLs that the desk ever had: boxes come by the one of
	// their invitation.
	Hosts []string `json:"hosts,omitempty"`
}

// DefaultListen is where a desk listens unless told otherwise.
const DefaultListen = ":8430"

func databaseFile(state string) string { return filepath.Join(state, "desk.db") }

func keptFile(state string) string { return filepath.Join(state, "desk.json") }

// settle completes the configuration with what was kept, and the defaults.
func settle(cfg *Config) (k kept, err error) {
	data, err := os.ReadFile(keptFile(cfg.State))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return k, process.StateUnusable(cfg.State, err)
	}
	if err == nil {
		if err := json.Unmarshal(data, &k); err != nil {
			return k, damaged(keptFile(cfg.State), err)
		}
	}
	cfg.Listen = cmp.Or(cfg.Listen, DefaultListen)
	if cfg.TLSCert == "" && cfg.TLSKey == "" && cfg.URL == "" {
		cfg.TLSCert, cfg.TLSKey = k.TLSCert, k.TLSKey
	}
	if cfg.URL = cmp.Or(cfg.URL, k.URL); cfg.URL == "" {
		if cfg.URL, err = ownURL(cfg.Listen); err != nil {
			return k, err
		}
	}
	host := hostOf(cfg.URL)
	for _, h := range []string{hostOf(k.URL), host} {
		if h != "" && !slices.Contains(k.Hosts, h) {
			k.Hosts = append(k.Hosts, h)
		}
	}
	k.Name = cmp.Or(cfg.Name, k.Name)
	cfg.Name = cmp.Or(k.Name, host, cfg.URL)
	return kept{URL: cfg.URL, Name: k.Name, TLSCert: cfg.TLSCert, TLSKey: cfg.TLSKey, Hosts: k.Hosts}, nil
}

// hostOf is the host of a URL, in lower case.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// ownURL is the address of this machine by its own name.
func ownURL(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", listenProblem(listen, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if host, err = os.Hostname(); err != nil {
			return "", fmt.Errorf("read host name: %w", err)
		}
	}
	return "https://" + net.JoinHostPort(host, port), nil
}

// keep remembers how the desk was started.
func (d *Desk) keep() error {
	data, err := json.MarshalIndent(d.kept, "", "  ")
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	if err := atomicfile.Write(keptFile(d.cfg.State), append(data, '\n'), 0o600); err != nil {
		return process.StateUnusable(d.cfg.State, err)
	}
	return nil
}

// loadKey reads the desk's own key, or makes it at the first start. Boxes know
// the desk by it: a desk that loses it is another one to them.
func loadKey(file string) (ed25519.PrivateKey, error) {
	data, err := os.ReadFile(file) //nolint:gosec // our own state folder
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(file)
	}
	if err != nil {
		return nil, process.StateUnusable(filepath.Dir(file), err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, damaged(file, errors.New("read key: no PEM block"))
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, damaged(file, err)
	}
	own, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, damaged(file, fmt.Errorf("read key: it is a %T", key))
	}
	return own, nil
}

func makeKey(file string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	if err := atomicfile.Write(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, process.StateUnusable(filepath.Dir(file), err)
	}
	return key, nil
}

func damaged(file string, err error) error {
	return &problem.Problem{
		Code: "desk-file-damaged", Kind: problem.Failed,
		What: file + " cannot be read",
		Why:  "it is not what this desk wrote there",
		Next: []string{"put it back from a backup of the folder", "without desk.key, every box has to be invited anew"},
		Err:  err,
	}
}

func urlUnusable(address string, err error) error {
	return &problem.Problem{
		Code: "desk-url-unusable", Kind: problem.Invalid,
		What: "boxes cannot reach a desk at " + address,
		Why:  problem.Reason(err),
		Next: []string{"give the address that boxes and browsers use, such as --url https://desk.example:8430"},
		Err:  err,
	}
}

func periodUnusable(period time.Duration) error {
	return &problem.Problem{
		Code: "desk-period-unusable", Kind: problem.Invalid,
		What: "boxes cannot report every " + period.String(),
		Why:  "they report every 30 seconds to 15 minutes, whatever a desk asks for; a desk that expects otherwise takes them for late or silent",
		Next: []string{"choose a time between, such as --period 1m"},
	}
}

func listenProblem(address string, err error) error {
	return &problem.Problem{
		Code: "desk-port-taken", Kind: problem.Unavailable,
		What: "the desk cannot listen at " + address,
		Why:  "another program is there, or it is no address of this machine",
		Next: []string{"see which program it is: ss -ltnp", "choose another address with --listen"},
		Err:  err,
	}
}
