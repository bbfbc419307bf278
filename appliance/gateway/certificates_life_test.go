// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coopkit/internal/testkit"

	"github.com/letsencrypt/pebble/v2/db"
)

// TestACME_externalAccount: an authority that wants an account that it knows
// gets one, or it is said plainly that it does.
func TestACME_externalAccount(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb, 0xef}, 16)) // has + and /
	keyFile := filepath.Join(t.TempDir(), "eab.key")
	if err := os.WriteFile(keyFile, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, with := range []bool{true, false} {
		var given Config
		httpPort, tlsPort := sockets(t, &given)
		store := db.NewMemoryStore()
		if err := store.AddExternalAccountKeyByID("demo-coop", strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(key)); err != nil {
			t.Fatal(err)
		}
		authority := pebbleFor(t, store, true, everything(t), httpPort, tlsPort)
		authority.StartTLS()
		cfg := acmeConfig(t, authority, HTTP01)
		cfg.HTTPListener, cfg.HTTPSListener = given.HTTPListener, given.HTTPSListener
		if with {
			cfg.Issuer.EABKeyID, cfg.Issuer.EABKeyFile = "demo-coop", keyFile
		}
		d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
		if with {
			d.waitFor("www.demo.coop")
			continue
		}
		testkit.Eventually(t, 10*time.Second, "the reason is not said", func() bool {
			p := d.Certificates()[0].Problem
			return p != nil && strings.Contains(p.Why, "External Account Binding") && strings.Contains(strings.Join(p.Next, "\n"), "--acme-eab-kid")
		})
	}
}

// TestCertificates_shortLives: a certificate of five minutes is looked at while
// a third of its life is left.
func TestCertificates_shortLives(t *testing.T) {
	if renewCheck > 5*time.Minute/3 {
		t.Errorf("they are looked at each %v", renewCheck)
	}
}

func TestCertificates_saysWhatHasEnded(t *testing.T) {
	now := time.Now()
	later := make(chan time.Duration, 1)
	later <- 0
	cfg := local(t)
	cfg.tuning.renewCheck = time.Hour
	d := openWith(t, cfg, Deps{Now: func() time.Time {
		d := <-later
		later <- d
		return now.Add(d)
	}}, slog.LevelInfo, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
	if p := d.Certificates()[0].Problem; p != nil {
		t.Errorf("%+v", p)
	}
	<-later
	later <- 2 * leafLifetime
	if p := d.Certificates()[0].Problem; p == nil || !strings.Contains(p.Why, "it has ended") {
		t.Errorf("%+v", p)
	}
}

func TestRemovedHost_isNoLongerLookedAfter(t *testing.T) {
	d := open(t, local(t), Route{Host: "a.demo.coop", Kind: Held, Hold: Starting}, Route{Host: "b.demo.coop", Kind: Held, Hold: Starting})
	if err := d.SetRoutes([]Route{{Host: "b.demo.coop", Kind: Held, Hold: Starting}}); err != nil {
		t.Fatal(err)
	}
	if all := d.Certificates(); len(all) != 1 || all[0].Host != "b.demo.coop" || all[0].NotAfter.IsZero() {
		t.Errorf("%+v", d.Certificates())
	}
	if err := d.WaitCertificate(context.Background(), "a.demo.coop"); err == nil {
		t.Error("waited for a host that is gone")
	}
}
