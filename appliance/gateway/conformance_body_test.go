// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

// bodyCases are early answers, expectations, requests behind one another, and visitors that stop halfway.
var bodyCases = []visitorCase{
	sent("three requests at once", request(`GET /1`)+request(`POST /2`, "Content-Length: 1")+"x"+request(`GET /3`),
		`GET /1 + POST /2 len=1 "x" + GET /3 => 200 "ok" + ; open`),
	sent("a request and garbage", request(`GET /1`)+"garbage\r\n\r\n",
		`GET /1 => 200 "ok" + 400; closed`),
	sent("a body too long", request(`POST /x`, "Content-Length: 2")+"hi"+"more\r\n\r\n",
		`POST /x len=2 "hi" => 200 "ok" + 400; closed`),
	sent("close asked for", request(`GET /x`, "Connection: close"),
		`GET /x => 200 "ok"; closed`),
	sent("close asked for, with a request behind", request(`GET /x`, "Connection: close")+request("GET /next"),
		`GET /x => 200 "ok"; closed`),
	sent("early answer, the rest later", request(`POST /x`, "Content-Length: 100000")+"x",
		`POST /x len=100000 => 403; closed`).early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").andThen(smuggled).
		but(`POST /x len=100000 => nothing; silent`,
			"the standard one holds the answer back until more of the body comes"),
	sent("early answer, chunks later", request(`POST /x`, "Transfer-Encoding: chunked")+"1\r\nx\r\n",
		`POST /x chunked => 403; closed`).early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").andThen(smuggled).
		but(`POST /x chunked => nothing; silent`,
			"the standard one holds the answer back until more of the body comes"),
	sent("early answer, the end later", request(`POST /x`, "Transfer-Encoding: chunked")+"1\r\nx\r\n",
		`POST /x chunked => 403; closed`).early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").andThen("0\r\n\r\n"+smuggled).
		but(`POST /x chunked => nothing; silent`,
			"the standard one holds the answer back until more of the body comes"),
	sent("early answer, no byte of the body", request(`POST /x`, "Content-Length: 100000"),
		`POST /x len=100000 => 403; closed`).early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").andThen("hello").
		but(`POST /x len=100000 => nothing; silent`,
			"the standard one holds the answer back until more of the body comes"),
	sent("early answer with close", request(`POST /x`, "Content-Length: 100000")+"he",
		`POST /x len=100000 => 403; closed`).early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").andThen("llo").
		but(`POST /x len=100000 => nothing; silent`,
			"the standard one holds the answer back until more of the body comes"),
	sent("early 200 to half a body", request(`POST /x`, "Transfer-Encoding: chunked")+"5\r\nhello\r\n",
		`POST /x chunked => 200 "ok"; closed`).early(ordinary).andThen(smuggled).
		but(`POST /x chunked => nothing; silent`,
			"the standard one holds the answer back until more of the body comes"),
	sent("early answer, body that goes wrong", request(`POST /x`, "Transfer-Encoding: chunked")+"1\r\nx\r\n",
		`POST /x chunked => 403; closed`).early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").andThen("zz\r\n"+smuggled).
		but(`POST /x chunked => nothing; silent`,
			"the standard one holds the answer back until more of the body comes"),
	sent("100-continue", request(`POST /x`, "Content-Length: 5", "Expect: 100-continue"),
		`POST /x len=5 "hello" {Expect: 100-continue} => 100 + 200 "ok"; open`).asking().andThen("hello"),
	sent("100-continue in capitals", request(`POST /x`, "Content-Length: 5", "Expect: 100-Continue"),
		`POST /x len=5 "hello" {Expect: 100-continue} => 100 + 200 "ok"; open`).asking().andThen("hello").
		but(`POST /x len=5 "hello" {Expect: 100-Continue} => 100 + 200 "ok"; open`,
			"we ask for ourselves"),
	sent("100-continue, body sent at once", request(`POST /x`, "Content-Length: 5", "Expect: 100-continue")+"hello",
		`POST /x len=5 "hello" {Expect: 100-continue} => 100 + 200 "ok"; open`).asking(),
	sent("100-continue in chunks", request(`POST /x`, "Transfer-Encoding: chunked", "Expect: 100-continue"),
		`POST /x chunked "hello" {Expect: 100-continue} => 100 + 200 "ok"; open`).asking().andThen("5\r\nhello\r\n0\r\n\r\n"),
	sent("100-continue, a service that does not know it", request(`POST /x`, "Content-Length: 5", "Expect: 100-continue"),
		`POST /x len=5 "hello" {Expect: 100-continue} => 100 + 200 "ok"; open`).andThen("hello"),
	sent("100-continue that nobody asked for", request(`POST /x`, "Content-Length: 5")+"hello",
		`POST /x len=5 "hello" => 200 "ok"; open`).asking().
		but(`POST /x len=5 "hello" => 100 + 200 "ok"; open`,
			"the standard one passes 100 to a visitor who did not ask"),
	sent("100-continue without a body", request(`GET /x`, "Expect: 100-continue"),
		`GET /x => 200 "ok"; open`).
		but(`GET /x {Expect: 100-continue} => 200 "ok"; open`,
			"there is nothing to expect"),
	sent("100-continue of HTTP/1.0", "POST /x HTTP/1.0\r\nHost: www.demo.coop\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
		`POST /x len=5 "hello" => 200 "ok"; closed`).asking().
		but(`POST /x len=5 "hello" {Expect: 100-continue} => 100 + 200 "ok"; closed`,
			"HTTP/1.0 knows no expectations and no interim answers"),
	sent("100-continue, early answer, body all the same", request(`POST /x`, "Content-Length: 100", "Expect: 100-continue"),
		`POST /x len=100 {Expect: 100-continue} => 403; closed`).early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").andThen(smuggled).
		but(`POST /x len=100 {Expect: 100-continue} => 403; silent`,
			"net/http waits for the rest of a body before it closes; we let it wait for half a second"),
	sent("another expectation", request(`POST /x`, "Content-Length: 5", "Expect: miracles")+"hello",
		`nothing => 417; closed`),
	sent("body that ends too soon", request(`POST /x`, "Content-Length: 100000")+"hello",
		`POST /x len=100000 broken => nothing; closed`).ending().
		but(`POST /x len=100000 broken => 502; closed`,
			"net/http takes a visitor who closes for gone, and so do we; the standard one blames the app"),
	sent("chunks that end too soon", request(`POST /x`, "Transfer-Encoding: chunked")+"5\r\nhello\r\n",
		`POST /x chunked broken => nothing; closed`).ending().
		but(`POST /x chunked broken => 502; closed`,
			"net/http takes a visitor who closes for gone, and so do we; the standard one blames the app"),
	sent("chunk that ends too soon", request(`POST /x`, "Transfer-Encoding: chunked")+"5\r\nhel",
		`POST /x chunked broken => nothing; closed`).ending().
		but(`POST /x chunked broken => 502; closed`,
			"net/http takes a visitor who closes for gone, and so do we; the standard one blames the app"),
	sent("head that ends too soon", "GET /x HTTP/1.1\r\nHost: www",
		`nothing => 400; closed`).ending(),
	sent("visitor that goes away in a body", request(`POST /x`, "Content-Length: 100000")+"hello",
		`POST /x len=100000 broken => nothing; gone`).leaving(),
	sent("visitor that goes away in chunks", request(`POST /x`, "Transfer-Encoding: chunked")+"5\r\nhello\r\n",
		`POST /x chunked broken => nothing; gone`).leaving(),
	sent("HEAD, then GET", request(`HEAD /1`)+request(`GET /2`),
		`HEAD /1 + GET /2 => 200 + 200 "ok"; open`).as("HEAD GET"),
	sent("HEAD with a body", request(`HEAD /x`, "Content-Length: 2")+"hi",
		`HEAD /x len=2 "hi" => 200; open`).as("HEAD"),
	sent("OPTIONS with a body", request(`OPTIONS /x`, "Content-Length: 2")+"hi",
		`OPTIONS /x len=2 "hi" => 200 "ok"; open`),
	sent("DELETE with a body", request(`DELETE /x`, "Content-Length: 2")+"hi",
		`DELETE /x len=2 "hi" => 200 "ok"; open`),
	sent("TRACE with a body", request(`TRACE /x`, "Content-Length: 2")+"hi",
		`nothing => 405; closed`).
		but(`TRACE /x len=2 "hi" => 200 "ok"; open`,
			"it would show what the front door adds"),
	sent("refused target with half a body", request(`POST x:y`, "Content-Length: 100000")+"x",
		`nothing => 400; closed`).andThen(smuggled).
		but(`malformed => nothing; silent`,
			"the standard one sends a target that is none, and holds the answer back"),
}
