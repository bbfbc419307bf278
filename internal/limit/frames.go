// SPDX-License-Identifier: AGPL-3.0-or-later

package limit

import "encoding/binary"

// frame is the head of a frame of HTTP/2 (RFC 9113 section 4.1).
type frame struct {
	kind, flags byte
	stream      uint32
	length      int
	increment   uint32 // of a WINDOW_UPDATE
}

// The frames that take memory, or end what took it.
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameRSTStream    = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameWindowUpdate = 0x8

	flagEndStream = 0x1 // of DATA and HEADERS
	flagAck       = 0x1 // of SETTINGS and PING

	frameHeadBytes = 9
	preface        = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

// frameReader finds the frames in bytes that come in pieces of any size.
type frameReader struct {
	head [frameHeadBytes + 4]byte
	have int
	skip int // bytes of a payload that are still to come
}

// feed calls on for each frame whose head is complete with b, until it returns
// an error.
func (f *frameReader) feed(b []byte, on func(frame) error) error {
	for len(b) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(b))
			f.skip -= n
			b = b[n:]
			continue
		}
		need := frameHeadBytes
		if f.have >= frameHeadBytes {
			need = len(f.head)
		}
		n := copy(f.head[f.have:need], b)
		f.have += n
		b = b[n:]
		if f.have < need {
			continue
		}
		h := f.parse()
		if h.kind == frameWindowUpdate && h.length == 4 && need == frameHeadBytes {
			continue // its four bytes count
		}
		f.skip, f.have = h.length-(need-frameHeadBytes), 0
		if err := on(h); err != nil {
			return err
		}
	}
	return nil
}

func (f *frameReader) parse() frame {
	return frame{
		length: int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2]),
		kind:   f.head[3], flags: f.head[4],
		stream:    binary.BigEndian.Uint32(f.head[5:]) &^ (1 << 31),
		increment: binary.BigEndian.Uint32(f.head[frameHeadBytes:]) &^ (1 << 31),
	}
}
