// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

// h2Cases are requests over HTTP/2, whose fields may hold what HTTP/1 could not.
var h2Cases = []h2Case{
	frames("GET", `GET /x => 200 "ok"; open`),
	frames("HEAD", `HEAD /x => 200; open`, ":method", "HEAD"),
	frames("POST in frames", `POST /x chunked "hello" => 200 "ok"; open`, ":method", "POST").with("hel", "lo"),
	frames("POST with an empty last frame", `POST /x chunked "hello" => 200 "ok"; open`, ":method", "POST").with("hello", ""),
	frames("POST with a length", `POST /x len=5 "hello" => 200 "ok"; open`, ":method", "POST", "content-length", "5").with("hello"),
	frames("POST without a body", `POST /x len=0 => 200 "ok"; open`, ":method", "POST"),
	frames("length too small", `RST PROTOCOL_ERROR; open`, ":method", "POST", "content-length", "2").with("hello").atOnce(),
	frames("length too large", `POST /x len=100000 broken => 400; open`, ":method", "POST", "content-length", "100000").with("hello").
		but(`POST /x len=100000 broken => 502; open`,
			"the body is the visitor's, so the fault is; the standard one blames the app"),
	frames("length that is none", `nothing => 400; open`, ":method", "POST", "content-length", "5x").with("").
		but(`POST /x len=0 => 200 "ok"; open`,
			"the standard one takes it for 0"),
	frames("length twice, different", `nothing => 400; open`, ":method", "POST", "content-length", "5", "content-length", "6").with("hello").
		but(`POST /x len=5 "hello" => 200 "ok"; open`,
			"the standard one takes the first"),
	frames("length without a body", `nothing => 400; open`, "content-length", "5").
		but(`GET /x => 200 "ok"; open`,
			"a length that is not the body's makes a request malformed (RFC 9113 section 8.1.1)"),
	frames("request line in the method", `nothing => 400; open`, ":method", "GET /admin HTTP/1.1").
		but(`nothing => 502; open`,
			"a method is a token; the standard one blames the app"),
	frames("request line and header in the method", `nothing => RST PROTOCOL_ERROR; open`, ":method", "GET /admin HTTP/1.1\r\nX-A: 1\r\n"),
	frames("tab in the method", `nothing => 400; open`, ":method", "GET\x09/admin").
		but(`nothing => 502; open`,
			"a method is a token; the standard one blames the app"),
	frames("colon in the method", `nothing => 400; open`, ":method", "GE:T").
		but(`nothing => 502; open`,
			"a method is a token; the standard one blames the app"),
	frames("lower case method", `get /x => 200 "ok"; open`, ":method", "get"),
	frames("empty method", `nothing => RST PROTOCOL_ERROR; open`, ":method", ""),
	frames("version in the path", `nothing => 400; open`, ":path", "/admin HTTP/1.0").
		but(`GET /admin%20HTTP/1.0 => 200 "ok"; open`,
			"the standard one escapes the path; a space in it is a mistake or an attack"),
	frames("version in the query", `nothing => 400; open`, ":path", "/x?a HTTP/1.0").
		but(`malformed => 502; open`,
			"the standard one writes the query into the request line as it came"),
	frames("header in the path", `nothing => RST PROTOCOL_ERROR; open`, ":path", "/x HTTP/1.1\r\nX-A: 1"),
	frames("NUL in the path", `nothing => RST PROTOCOL_ERROR; open`, ":path", "/x\x00"),
	frames("bytes beyond ASCII in the path", `GET /%C3%A9?%C3%A9 => 200 "ok"; open`, ":path", "/\xc3\xa9?\xc3\xa9").
		but(`GET /%C3%A9?é => 200 "ok"; open`,
			"the standard one writes the query as it came, although a request line is ASCII"),
	frames("no slash", `nothing => RST PROTOCOL_ERROR; open`, ":path", "x"),
	frames("empty path", `nothing => RST PROTOCOL_ERROR; open`, ":path", ""),
	frames("no path", `nothing => RST PROTOCOL_ERROR; open`, ":path", "none"),
	frames("path twice", `nothing => RST PROTOCOL_ERROR; open`, ":path", "/x", ":path", "/admin"),
	frames("opaque form", `nothing => 400; open`, ":path", "x:http://evil.example/a").
		but(`GET http://evil.example/a host=evil.example => 200 "ok"; open`,
			"the standard one lets the visitor choose the host that the app sees"),
	frames("absolute form", `nothing => 400; open`, ":path", "http://evil.example/a").
		but(`GET /a => 200 "ok"; open`,
			"HTTP/2 has no absolute form"),
	frames("absolute form of the host", `nothing => 400; open`, ":path", "http://www.demo.coop/a").
		but(`GET /a => 200 "ok"; open`,
			"HTTP/2 has no absolute form"),
	frames("asterisk of GET", `nothing => 400; open`, ":path", "*").
		but(`GET /%2A => 200 "ok"; open`,
			"only OPTIONS has this form (RFC 9112 section 3.2.4)"),
	frames("asterisk of OPTIONS", `nothing => 200; open`, ":method", "OPTIONS", ":path", "*"),
	frames("two slashes", `GET //evil.example/a => 200 "ok"; open`, ":path", "//evil.example/a"),
	frames("authority of another host", `nothing => 421; open`, ":authority", "evil.example"),
	frames("authority with a port", `GET /x => 200 "ok"; open`, ":authority", "www.demo.coop:443").
		but(`GET /x host=www.demo.coop:443 {X-Forwarded-Host: www.demo.coop:443} => 200 "ok"; open`,
			"the app is told the name of the route, not the visitor's spelling"),
	frames("authority with a name in it", `nothing => RST PROTOCOL_ERROR; open`, ":authority", "evil@www.demo.coop"),
	frames("authority with a path", `nothing => 421; open`, ":authority", "www.demo.coop/evil"),
	frames("authority and Host", `GET /x => 200 "ok"; open`, "host", "evil.example"),
	frames("Host alone", `GET /x => 200 "ok"; open`, ":authority", "none", "host", "www.demo.coop"),
	frames("neither authority nor Host", `nothing => 421; open`, ":authority", "none"),
	frames("scheme of another kind", `nothing => RST PROTOCOL_ERROR; open`, ":scheme", "ftp"),
	frames("no scheme", `nothing => RST PROTOCOL_ERROR; open`, ":scheme", "none"),
	frames("CONNECT", `nothing => 405; open`, ":method", "CONNECT", ":scheme", "none", ":path", "none").
		but(`CONNECT / => 200 "ok"; open`,
			"we open no tunnels"),
	frames("CONNECT with a path", `nothing => RST PROTOCOL_ERROR; open`, ":method", "CONNECT"),
	frames("extended CONNECT", `nothing => RST PROTOCOL_ERROR; open`, ":method", "CONNECT", ":protocol", "websocket"),
	frames("TRACE", `nothing => 405; open`, ":method", "TRACE").
		but(`TRACE /x => 200 "ok"; open`,
			"it would show what the front door adds"),
	frames("unknown pseudo header", `nothing => RST PROTOCOL_ERROR; open`, ":evil", "1"),
	frames("Connection", `nothing => 400; open`, "connection", "close, x-a", "x-a", "1"),
	frames("Transfer-Encoding", `nothing => 400; open`, ":method", "POST", "transfer-encoding", "chunked").with("hello"),
	frames("Upgrade", `nothing => 400; open`, "upgrade", "websocket"),
	frames("Keep-Alive", `nothing => 400; open`, "keep-alive", "5"),
	frames("TE trailers", `GET /x {Te: trailers} => 200 "ok"; open`, "te", "trailers"),
	frames("TE anything else", `nothing => 400; open`, "te", "gzip"),
	frames("name in capitals", `nothing => RST PROTOCOL_ERROR; open`, "X-A", "1"),
	frames("name with a space", `nothing => RST PROTOCOL_ERROR; open`, "x a", "1"),
	frames("name with a colon", `nothing => RST PROTOCOL_ERROR; open`, "x:a", "1"),
	frames("value with a line end", `nothing => RST PROTOCOL_ERROR; open`, "x-a", "1\r\nx-b: 2"),
	frames("value with NUL", `nothing => RST PROTOCOL_ERROR; open`, "x-a", "1\x00"),
	frames("value with spaces around", `GET /x {X-A: 1} => 200 "ok"; open`, "x-a", " 1 "),
	frames("cookies in crumbs", `GET /x {Cookie: a=1; b=2} => 200 "ok"; open`, "cookie", "a=1", "cookie", "__Host-coopkit=secret", "cookie", "b=2").
		but(`GET /x {Cookie: a=1; __Host-coopkit=secret; b=2} => 200 "ok"; open`,
			"sessions of console and desk are not for apps"),
	frames("lies", `GET /x => 200 "ok"; open`, "x-forwarded-for", "203.0.113.9", "x_real_ip", "203.0.113.9", "forwarded", "for=203.0.113.9", "x-original-url", "/admin").
		but(`GET /x {X-Original-Url: /admin; X_real_ip: 203.0.113.9} => 200 "ok"; open`,
			"we remove every header that apps take for an identity or the URL"),
	frames("expectation", `POST /x chunked "hello" => 100 200 "ok"; open`, ":method", "POST", "expect", "100-continue").with("hello"),
	frames("trailers", `POST /x chunked "hello" trailer {X-Sum: 5} => 200 "ok"; open`, ":method", "POST", "trailer", "x-sum").with("hello").ended("x-sum", "5").
		but(`POST /x chunked "hello" => 200 "ok"; open`,
			"the standard one loses trailers of requests"),
	frames("trailers unannounced", `POST /x chunked "hello" => 200 "ok"; open`, ":method", "POST").with("hello").ended("x-sum", "5"),
	frames("trailers after a length", `POST /x chunked "hello" trailer {X-Sum: 5} => 200 "ok"; open`, ":method", "POST", "trailer", "x-sum", "content-length", "5").with("hello").ended("x-sum", "5").
		but(`POST /x len=5 "hello" => 200 "ok"; open`,
			"the standard one loses trailers of requests"),
	frames("trailers with a pseudo header", `RST PROTOCOL_ERROR; open`, ":method", "POST").with("hello").ended(":path", "/admin").atOnce(),
	frames("trailers of framing", `POST /x chunked "hello" => 200 "ok"; open`, ":method", "POST", "trailer", "content-length").with("hello").ended("content-length", "9"),
	frames("visitor that resets in a body", `POST /x chunked broken => gone; open`, ":method", "POST").leaving(),
	frames("visitor that resets in a body with a length", `POST /x len=100000 broken => gone; open`, ":method", "POST", "content-length", "100000").leaving(),
}
