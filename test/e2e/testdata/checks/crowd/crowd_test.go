// Package crowd is for many validators at once: each prints a little, now and then, until the ConfigMap "open" is in its namespace.
package crowd

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

func TestTogether(t *testing.T) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		t.Fatal(err)
	}
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	for n := 0; ; n++ {
		isOpen, err := open(client)
		if err != nil {
			fmt.Println(err)
		}
		if isOpen {
			return
		}
		fmt.Println("not open at look", n)
		<-tick.C
	}
}

func TestVaries(t *testing.T) {
	switch os.Getenv("FATE") {
	case "fails":
		t.Error("link 3 is down")
	case "panics":
		go panic("the watcher is gone")
		select {}
	}
}

func TestLast(*testing.T) {}

// open asks the API server whether there is a ConfigMap "open".
func open(client *http.Client) (bool, error) {
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return false, err
	}
	namespace, err := os.ReadFile(account + "namespace")
	if err != nil {
		return false, err
	}
	host := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	request, err := http.NewRequest(http.MethodGet, "https://"+host+"/api/v1/namespaces/"+string(namespace)+"/configmaps/open", nil)
	if err != nil {
		return false, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	answer, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	return answer.StatusCode == http.StatusOK, err
}
