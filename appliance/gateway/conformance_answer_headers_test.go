// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import "strings"

// answerHeaderCases are headers of answers.
var answerHeaderCases = []serviceCase{
	answering("no colon", "HTTP/1.1 200 OK\r\nX-A\r\nContent-Length: 2\r\n\r\nok",
		`502; open, closed`),
	answering("space before a colon", "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`),
	answering("empty name", "HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 2\r\n\r\nok",
		`502; open, closed`),
	answering("name with a space", "HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`),
	answering("NUL in a value", "HTTP/1.1 200 OK\r\nX-A: 1\x002\r\nContent-Length: 2\r\n\r\nok",
		`502; open, closed`),
	answering("CR in a value", "HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\nContent-Length: 2\r\n\r\nok",
		`502; open, closed`),
	answering("value beyond ASCII", "HTTP/1.1 200 OK\r\nX-A: \xc3\xa9\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok" {X-A: é}; open, reused`),
	answering("folded line", "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok" {X-A: 1 2}; open, reused`),
	answering("the same name twice", "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok" {X-A: 1; X-A: 2}; open, reused`),
	answering("underscores", "HTTP/1.1 200 OK\r\nX_A: 1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok" {X_a: 1}; open, reused`),
	answering("head of 100 KiB", "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 100)+"Content-Length: 2\r\n\r\nok",
		`200 "ok" {X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}; open, closed`).
		but(`200 "ok" {X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}; open, reused`,
			"we do not keep a connection with so large a buffer"),
	answering("head of 2 MiB", "HTTP/1.1 200 OK\r\nX-A: "+strings.Repeat("a", 2<<20)+"\r\nContent-Length: 2\r\n\r\nok",
		`502; open, closed`).
		but(`200 "ok" {X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}; open, reused`,
			"we read at most 1 MiB of head"),
	answering("listed in Connection", "HTTP/1.1 200 OK\r\nConnection: X-A\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`),
	answering("listed beside close", "HTTP/1.1 200 OK\r\nConnection: close, X-A\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, closed`).
		but(`200 "ok" {X-A: 1}; open, closed`,
			"net/http forgets the list when it holds close"),
	answering("listed beside close, in a second header", "HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: X-A\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, closed`).
		but(`200 "ok" {X-A: 1}; open, closed`,
			"net/http forgets the list when it holds close"),
	answering("listed beside close, folded", "HTTP/1.1 200 OK\r\nConnection: close,\r\n X-A\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, closed`).
		but(`200 "ok" {X-A: 1}; open, closed`,
			"net/http forgets the list when it holds close"),
	answering("of this connection", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`),
	answering("framing listed in Connection", "HTTP/1.1 200 OK\r\nConnection: Content-Length, Transfer-Encoding\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`),
	answering("our own cookies", "HTTP/1.1 200 OK\r\nSet-Cookie: __Host-coopkit=1; Path=/; Secure\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok" {Set-Cookie: a=1}; open, reused`).
		but(`200 "ok" {Set-Cookie: __Host-coopkit=1; Path=/; Secure; Set-Cookie: a=1}; open, reused`,
			"sessions of console and desk are not for apps to set"),
	answering("our own cookies, spelled otherwise", "HTTP/1.1 200 OK\r\nSet-Cookie: =__Host-coopkit=1\r\nSet-Cookie: __host-COOPKIT-desk=1\r\nSet-Cookie:  __Host-coopkit-setup=1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`).
		but(`200 "ok" {Set-Cookie: =__Host-coopkit=1; Set-Cookie: __host-COOPKIT-desk=1; Set-Cookie: __Host-coopkit-setup=1}; open, reused`,
			"sessions of console and desk are not for apps to set"),
	answering("cookies like ours", "HTTP/1.1 200 OK\r\nSet-Cookie: __Host-coop=1\r\nSet-Cookie: coopkit=1\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok" {Set-Cookie: __Host-coop=1; Set-Cookie: coopkit=1}; open, reused`),
	answering("Strict-Transport-Security", "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=99999999; includeSubDomains\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`).
		but(`200 "ok" {Strict-Transport-Security: max-age=99999999; includeSubDomains}; open, reused`,
			"how the front door is reached is not for an app to promise"),
	answering("Alt-Svc", "HTTP/1.1 200 OK\r\nAlt-Svc: h3=\":443\"\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`).
		but(`200 "ok" {Alt-Svc: h3=":443"}; open, reused`,
			"how the front door is reached is not for an app to promise"),
	answering("Clear-Site-Data", "HTTP/1.1 200 OK\r\nClear-Site-Data: \"cookies\"\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok" {Clear-Site-Data: "cookies"}; open, reused`),
	answering("WWW-Authenticate, Server, Via, Age", "HTTP/1.1 200 OK\r\nWWW-Authenticate: Basic\r\nServer: x\r\nVia: 1.1 x\r\nAge: 5\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok" {Age: 5; Server: x; Via: 1.1 x; Www-Authenticate: Basic}; open, reused`),
	answering("Trailer without trailers", "HTTP/1.1 200 OK\r\nTrailer: X-A\r\nContent-Length: 2\r\n\r\nok",
		`200 "ok"; open, reused`),
}
