package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const (
	// lifetime is that of every certificate: a cluster that lives longer is taken down and made again.
	lifetime = 365 * 24 * time.Hour
	// backdate lets a clock be set back a little after the certificates were made.
	backdate = time.Hour
)

// Write makes the certificates of a cluster and the key that signs its service accounts' tokens, in a folder of their own.
func Write(dir string, s Subject, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("creating the folder of certificates: %w", err)
	}
	authorities := map[string]authority{}
	for _, name := range []string{AuthorityCluster, AuthorityFrontProxy, AuthorityEtcd} {
		a, err := newAuthority(dir, name, now)
		if err != nil {
			return fmt.Errorf("making authority %s: %w", name, err)
		}
		authorities[name] = a
	}
	for _, c := range Plan(s) {
		if err := authorities[c.Authority].issue(dir, c, now); err != nil {
			return fmt.Errorf("making certificate %s: %w", c.File, err)
		}
	}
	if err := writeServiceAccountKeys(dir); err != nil {
		return fmt.Errorf("making the service accounts' keys: %w", err)
	}
	return nil
}

type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newAuthority(dir, name string, now time.Time) (authority, error) {
	template, err := newTemplate(pkix.Name{CommonName: "validation-operator " + name}, now)
	if err != nil {
		return authority{}, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	key, err := newKey(filepath.Join(dir, name+".key"))
	if err != nil {
		return authority{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return authority{}, fmt.Errorf("signing: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return authority{}, fmt.Errorf("reading what was signed: %w", err)
	}
	return authority{certificate: certificate, key: key}, writePEM(filepath.Join(dir, name+".crt"), "CERTIFICATE", der)
}

func (a authority) issue(dir string, c Certificate, now time.Time) error {
	template, err := newTemplate(pkix.Name{CommonName: c.CommonName, Organization: c.Groups}, now)
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.DNSNames, template.IPAddresses = c.DNSNames, c.IPs
	if len(c.DNSNames)+len(c.IPs) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if c.Client {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	key, err := newKey(filepath.Join(dir, c.File+".key"))
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	return writePEM(filepath.Join(dir, c.File+".crt"), "CERTIFICATE", der)
}

func newTemplate(subject pkix.Name, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject, NotBefore: now.Add(-backdate), NotAfter: now.Add(lifetime),
	}, nil
}

func newKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return key, writePEM(path, "PRIVATE KEY", der)
}

func writeServiceAccountKeys(dir string) error {
	key, err := newKey(filepath.Join(dir, "service-account.key"))
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encoding the public key: %w", err)
	}
	return writePEM(filepath.Join(dir, "service-account.pub"), "PUBLIC KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	return nil
}
