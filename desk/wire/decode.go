// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import "errors"

var errLength = errors.New("wrong length")
