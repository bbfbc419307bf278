// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"net/http"
	"time"

	"coopkit/internal/limit"
)

// What strangers can hold of the front door. All of it together is memory that
// is reckoned beforehand, so that nobody can make the agent hold more; one
// network (an address, or an IPv6 /64) has a quarter, because all who live
// behind one router come from one address.
const (
	maxConns        = 640             // connections that do nothing; requests take from the same memory
	maxConnsOfOne   = maxConns / 4    // of one network
	maxStreams      = 64              // requests that share a connection (HTTP/2)
	maxHeaderBytes  = limit.HeadBytes // of a head
	maxHeaderFields = 128             // more than any browser sends, which is about 20
	receiveBuffer   = 256 << 10       // bytes of bodies that one connection has on the way (HTTP/2)
)

// What a request is reckoned to take of memory, in bytes.
const (
	requestBytes = 16 << 10 // buffers towards the service and the visitor
	fieldBytes   = 100      // a header field of HTTP/1.1, beside its text
	tunnelBytes  = 64 << 10 // the buffers of an upgraded connection
)

// How many requests a service works on at a time, and how many of one network;
// below that, how many of them whose body is passed on as it comes: the service
// waits for those, and a small one has 16 workers. Requests that wait long, live
// pages and WebSockets count among the long ones instead.
const (
	maxInService      = 64
	maxInServiceOfOne = maxInService / 2
	maxUploads        = 32
	maxUploadsOfOne   = maxUploads / 4
	maxLong           = 512
	maxLongOfOne      = maxLong / 4
	manySlow          = 4 // visitors who keep a service waiting may be why others get no answer
)

// smallBody is up to how many bytes a body is collected before the service is
// asked.
const smallBody = 64 << 10

// bodyProgress is how many bytes a body brings at least in patience.body.
const bodyProgress = 4 << 10

// patience is how long visitors may take, and be kept waiting.
type patience struct {
	look      time.Duration // between two looks at a request
	head      time.Duration // TLS handshake; head of a request
	idle      time.Duration // between two requests
	smallBody time.Duration // to come whole
	body      time.Duration // in which a larger one makes progress, while it is waited for
	leftOver  time.Duration // to send what remains of a body that nobody wanted
	answer    time.Duration // without progress, the visitor does not read
	queue     time.Duration // before a service; then the visitor is told to come again
	long      time.Duration // without an answer, after which a request is a long one
	slow      time.Duration // without an answer, after which those leave who keep the service waiting as long
}

func defaultPatience() patience {
	return patience{
		look: time.Second, head: 20 * time.Second, idle: 2 * time.Minute,
		smallBody: 10 * time.Second, body: 30 * time.Second, leftOver: 2 * time.Second, answer: time.Minute,
		queue: 30 * time.Second, long: 5 * time.Second, slow: time.Second,
	}
}

// http2Limits bound what one connection that many requests share can hold.
func http2Limits(stall time.Duration) *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreams,
		MaxReadFrameSize:              16 << 10, // the least that there is
		MaxReceiveBufferPerConnection: receiveBuffer,
		MaxReceiveBufferPerStream:     receiveBuffer,
		WriteByteTimeout:              stall,
	}
}

// weight is what a request is reckoned to take of memory, in bytes, beside its
// stream of HTTP/2, and how many header fields it has.
func weight(r *http.Request) (bytes, fields int) {
	bytes = requestBytes
	for name, values := range r.Header {
		fields += len(values)
		if r.ProtoMajor > 1 {
			continue // they are of the stream
		}
		for _, v := range values {
			bytes += fieldBytes + len(name) + len(v)
		}
	}
	if collectable(r) {
		bytes += int(r.ContentLength)
	}
	return bytes, fields
}

// collectable reports whether a body is small, and wanted now: it is not when
// the visitor waits to be told to send it.
func collectable(r *http.Request) bool {
	return r.ContentLength > 0 && r.ContentLength <= smallBody && r.Header["Expect"] == nil
}

func newConnections() *limit.Connections { return limit.NewConnections(maxConns, maxConnsOfOne) }
