// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver

import (
	"crypto/rand"
	"encoding/base64"
)

// secretPrefix begins the secrets of webhooks.
const secretPrefix = "whsec_"

// NewSecret makes the secret of a webhook, of 32 random bytes.
func NewSecret() Secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return Secret(secretPrefix + base64.StdEncoding.EncodeToString(key))
}
