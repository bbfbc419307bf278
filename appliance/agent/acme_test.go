// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"coopkit/appliance"
	"coopkit/internal/testkit"
)

// pebble runs an ACME authority that asks the name server at dnsAddr. It
// returns its directory and a file with the root to trust for it.
func pebble(t *testing.T, dnsAddr string) (directory, root string) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default"}})
	checker := va.New(quiet, 1, 1, false, dnsAddr, store)
	front := wfe.New(quiet, store, checker, authority, []string{"pebble"}, false, false, 1, 1)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	root = filepath.Join(t.TempDir(), "pebble.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(root, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL + wfe.DirectoryPath, root
}

func TestAgent_getsACertificateThroughItsOwnNameServer(t *testing.T) {
	cfg := config(t)
	cfg.DNS = []string{"127.0.0.1:" + strconv.Itoa(testkit.FreePort(t))}
	cfg.Issuer, cfg.ACMEChallenge, cfg.ACMEEmail = "acme", "dns", "steward@demo.coop"
	cfg.ACMEDirectory, cfg.ACMERoot = pebble(t, cfg.DNS[0])
	r := run(t, cfg)
	job, err := r.Names.AddZone(t.Context(), appliance.ZoneChange{Zone: "demo.coop"})
	r.done(t, job, err)
	job, err = push(t.Context(), r.Sites, "www.demo.coop", page(t, "hello"))
	r.done(t, job, err)
	certs, err := r.Box.Certificates(t.Context())
	if err != nil || len(certs) != 1 || certs[0].Problem != nil || certs[0].NotAfter.IsZero() {
		t.Fatalf("certificates %+v, %v", certs, err)
	}
	names, err := r.Names.Zones(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range names[0].Records {
		if strings.HasPrefix(rec.Name, "_acme-challenge") {
			t.Errorf("a proof was left behind: %+v", rec)
		}
	}
}
