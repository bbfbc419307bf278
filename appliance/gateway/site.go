// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"net/http"
	"os"
)

func (g *Gateway) site(r Route, root *os.Root) http.Handler {
	return http.FileServerFS(root.FS())
}
