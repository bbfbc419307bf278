// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// InvitationID is what an enrolment names an invitation by, and VerifierOf what
// the desk keeps of its secret; the secret itself is in the code only.
func InvitationID(secret [16]byte) string {
	sum := sha256.Sum256(framed(domainSecret, []byte("id"), secret[:]))
	return hex.EncodeToString(sum[:8])
}

// VerifierOf derives the key of the enrolment's MAC from the secret.
func VerifierOf(secret [16]byte) [32]byte {
	return sha256.Sum256(framed(domainSecret, []byte("verifier"), secret[:]))
}

// EnrolmentMAC proves knowledge of the invitation's secret for this desk, this
// box and this nonce.
func EnrolmentMAC(verifier [32]byte, desk, box ed25519.PublicKey, nonce []byte) []byte {
	m := hmac.New(sha256.New, verifier[:])
	m.Write(framed(domainEnrolment, desk, box, nonce))
	return m.Sum(nil)
}

// SignEnrolment returns the value of HeaderSignature for an enrolment's body.
func SignEnrolment(key ed25519.PrivateKey, desk ed25519.PublicKey, body []byte) string {
	return sign(key, domainEnrolment, desk, body)
}

// VerifyEnrolment reports whether the enrolment was signed by the key in it.
func VerifyEnrolment(key, desk ed25519.PublicKey, body []byte, signature string) bool {
	return verify(key, signature, domainEnrolment, desk, body)
}

// SignEnrolled signs the desk's answer together with the request that it
// answers, so that both sides' nonces and keys are in it.
func SignEnrolled(key ed25519.PrivateKey, request, answer []byte) string {
	return sign(key, domainEnrolled, request, answer)
}

// VerifyEnrolled reports whether the desk with this key gave this answer to
// this request.
func VerifyEnrolled(desk ed25519.PublicKey, request, answer []byte, signature string) bool {
	return verify(desk, signature, domainEnrolled, request, answer)
}

// LinkKey is the secret that box and desk share after an enrolment, from their
// two nonces: mine is the private half of one's own.
func LinkKey(mine *ecdh.PrivateKey, theirs []byte, request, answer []byte) ([32]byte, error) {
	peer, err := ecdh.X25519().NewPublicKey(theirs)
	if err != nil {
		return [32]byte{}, fmt.Errorf("read nonce: %w", err)
	}
	shared, err := mine.ECDH(peer)
	if err != nil {
		return [32]byte{}, fmt.Errorf("agree on link key: %w", err)
	}
	transcript := sha256.Sum256(framed(domainLink, request, answer))
	key, err := hkdf.Key(sha256.New, shared, transcript[:], domainLink, 32)
	if err != nil {
		return [32]byte{}, fmt.Errorf("derive link key: %w", err)
	}
	return [32]byte(key), nil
}

// FourWords are the words that both sides show after an enrolment; they are the
// same only if both saw the same messages.
func FourWords(request, answer []byte) [4]string {
	sum := sha256.Sum256(framed(domainWords, request, answer))
	var out [4]string
	for i := range out {
		out[i] = words[sum[i]]
	}
	return out
}

// Encode returns the bytes of a message as they are sent and signed.
func Encode(message any) ([]byte, error) {
	b, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return b, nil
}
