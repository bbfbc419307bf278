// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"time"
)

// The peers as a careful person would set them up: one worker for each job on
// this machine, connections to the back end kept open, no access log.
const (
	nginxMain = `daemon off;
worker_processes auto;
pid %[1]s/%[2]s.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
	include /etc/nginx/mime.types;
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 100000000;
	client_body_temp_path %[1]s/%[2]s-body;
	proxy_temp_path %[1]s/%[2]s-proxy;
	fastcgi_temp_path %[1]s/%[2]s-fastcgi;
	uwsgi_temp_path %[1]s/%[2]s-uwsgi;
	scgi_temp_path %[1]s/%[2]s-scgi;
	%[3]s
}
`
	nginxBack = `server {
		listen %[1]s;
		default_type text/html;
		location / { return 200 "%[2]s"; }
	}`
	nginxSite = `server {
		listen %[1]s ssl;
		server_name %[2]s;
		root %[3]s;
		ssl_certificate %[4]s;
		ssl_certificate_key %[5]s;
		ssl_protocols TLSv1.2 TLSv1.3;
	}`
	nginxFront = `ssl_certificate %[1]s;
	ssl_certificate_key %[2]s;
	ssl_protocols TLSv1.2 TLSv1.3;
	upstream back { server %[3]s; keepalive 64; keepalive_requests 100000000; }
	server {
		listen %[4]s ssl;
		server_name %[5]s;
		location / {
			proxy_pass http://back;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $host;
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header X-Forwarded-Proto https;
		}
	}
	server {
		listen %[4]s ssl;
		server_name %[6]s;
		root %[7]s;
	}`
	caddyfile = `{
	admin off
	auto_https off
	servers {
		protocols h1 h2
	}
}
https://%[2]s:%[1]s {
	bind 127.0.0.1
	tls %[4]s %[5]s
	reverse_proxy %[6]s
}
https://%[3]s:%[1]s {
	bind 127.0.0.1
	tls %[4]s %[5]s
	root * %[7]s
	file_server
}
`
)

// certificate makes an ECDSA certificate like those that our gateway has.
func (b *bench) certificate(hosts ...string) (certPath, keyPath string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return "", "", err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}
	if certPath, err = b.file("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))); err != nil {
		return "", "", err
	}
	keyPath, err = b.file("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	return certPath, keyPath, err
}
