// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch      = 32   // messages taken from or given to the kernel at once
	queryBytes = 1500 // longer queries over UDP are not read in full, so not understood
)

// udpSocket is one socket and all memory that recvmmsg and sendmmsg work on.
// Answers go where the kernel said that the query came from, and leave from
// where it came to, in the kernel's own words: nothing is allocated or
// converted. After newUDPSocket it belongs to one goroutine, except conn.
type udpSocket struct {
	conn *net.UDPConn
	raw  syscall.RawConn

	in, out  [batch]unix.Mmsghdr
	vecs     [batch]struct{ in, out unix.Iovec }
	askers   [batch]unix.RawSockaddrInet6 // large enough for IPv4 as well
	asked    [batch]pktInfo
	queries  [batch][queryBytes]byte
	answers  [batch][udpSize]byte
	answered int // how many of out are waiting for flush

	// What the functions for raw share with their callers; they are made once.
	receive, send func(fd uintptr) bool
	sent, count   int
	errno         unix.Errno
}

// pktInfo is the control message that says at which address a query came in
// and, on the way back, from which the answer should leave. The one of IPv4 is
// shorter.
type pktInfo struct {
	head unix.Cmsghdr
	data unix.Inet6Pktinfo
}

func newUDPSocket(conn *net.UDPConn) (*udpSocket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	u := &udpSocket{conn: conn, raw: raw}
	u.receive, u.send = u.recvmmsg, u.sendmmsg
	for i := range batch {
		v, in, out := &u.vecs[i], &u.in[i].Hdr, &u.out[i].Hdr
		v.in.Base = &u.queries[i][0]
		v.in.SetLen(queryBytes)
		in.Iov = &v.in
		in.Name = (*byte)(unsafe.Pointer(&u.askers[i]))   //nolint:gosec // the kernel takes any family here
		in.Control = (*byte)(unsafe.Pointer(&u.asked[i])) //nolint:gosec // of its whole length, see read
		in.SetIovlen(1)
		out.Iov = &v.out
		out.SetIovlen(1)
	}
	return u, nil
}

// read waits for queries and takes as many as there are, at most batch.
func (u *udpSocket) read() (int, error) {
	for i := range u.in {
		h := &u.in[i].Hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(int(unsafe.Sizeof(pktInfo{})))
	}
	if err := u.raw.Read(u.receive); err != nil {
		return 0, err
	}
	if u.errno != 0 {
		return 0, os.NewSyscallError("recvmmsg", u.errno)
	}
	return u.count, nil
}

// query returns query i and who asks.
func (u *udpSocket) query(i int) (msg []byte, from netip.AddrPort) {
	a := &u.askers[i]
	port := *(*[2]byte)(unsafe.Pointer(&a.Port)) //nolint:gosec // in network byte order
	ip := netip.AddrFrom16(a.Addr).Unmap()       // a socket for both families sees IPv4 mapped
	if a.Family == unix.AF_INET {
		ip = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(a)).Addr) //nolint:gosec // the family says that it is one
	}
	return u.queries[i][:u.in[i].Len], netip.AddrPortFrom(ip, uint16(port[0])<<8|uint16(port[1]))
}

// room returns where the next answer is to be built; it has place for udpSize
// bytes.
func (u *udpSocket) room() []byte { return u.answers[u.answered][:0] }

// put adds the answer to query i.
func (u *udpSocket) put(i int, answer []byte) {
	q, o, v := &u.in[i].Hdr, &u.out[u.answered].Hdr, &u.vecs[u.answered].out
	v.Base = &answer[0]
	v.SetLen(len(answer))
	o.Name, o.Namelen = q.Name, q.Namelen
	o.Control, o.Controllen = q.Control, q.Controllen
	if q.Controllen == 0 {
		o.Control = nil
	} else {
		u.asked[i].anyInterface()
	}
	u.answered++
}

// anyInterface lets the routes choose the interface by which the answer leaves,
// except where the address means nothing without one.
func (p *pktInfo) anyInterface() {
	if p.head.Level == unix.IPPROTO_IP {
		(*unix.Inet4Pktinfo)(unsafe.Pointer(&p.data)).Ifindex = 0 //nolint:gosec // the level says that it is one
	} else if !netip.AddrFrom16(p.data.Addr).IsLinkLocalUnicast() {
		p.data.Ifindex = 0
	}
}

// flush sends all answers. One that the kernel does not take is left out: one
// asker cannot be reached, the others can.
func (u *udpSocket) flush() {
	for u.sent = 0; u.sent < u.answered; u.sent += u.count {
		if u.raw.Write(u.send) != nil {
			break // closed
		}
		if u.errno != 0 {
			u.count = 1
		}
	}
	u.answered = 0
}

func (u *udpSocket) recvmmsg(fd uintptr) bool {
	u.count, u.errno = mmsg(unix.SYS_RECVMMSG, fd, u.in[:])
	return u.errno != unix.EAGAIN
}

func (u *udpSocket) sendmmsg(fd uintptr) bool {
	u.count, u.errno = mmsg(unix.SYS_SENDMMSG, fd, u.out[u.sent:u.answered])
	return u.errno != unix.EAGAIN
}

// mmsg makes a system call that never waits, without telling Go's scheduler.
// Told, it takes the processor from a batch that is some ten microseconds under
// way and finds it another, which costs much of what a query costs in all.
func mmsg(call, fd uintptr, msgs []unix.Mmsghdr) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(call, fd, uintptr(unsafe.Pointer(&msgs[0])), uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0) //nolint:gosec // the memory is in msgs
	return int(n), errno
}
