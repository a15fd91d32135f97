package controlplane

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	healthInterval = 100 * time.Millisecond
	stopTimeout    = 30 * time.Second
)

// server is a process that envtest does not know how to run.
type server struct {
	path        string
	args        []string
	log         string
	health      string
	certificate string // a file, which the server writes
	timeout     time.Duration

	command *exec.Cmd
	exited  chan struct{}
}

// start returns when the server is healthy; otherwise it is not running any more. A later start appends to the log.
func (s *server) start() error {
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("creating a log: %w", err)
	}
	defer log.Close()
	command := exec.Command(s.path, s.args...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // An interrupt of the tests must let them stop it in order.
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.name(), err)
	}
	s.command, s.exited = command, make(chan struct{})
	go func() {
		defer close(s.exited)
		_ = command.Wait() // ProcessState says the same
	}()
	if err := s.awaitHealth(); err != nil {
		s.kill()
		return fmt.Errorf("starting %s: %w%s", s.name(), err, tail(s.log))
	}
	return nil
}

func (s *server) name() string { return filepath.Base(s.path) }

func (s *server) awaitHealth() error {
	// Nobody else has signed its certificate.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: s.answers}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	timeout := time.NewTimer(s.timeout)
	defer timeout.Stop()
	for {
		if response, err := client.Get(s.health); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ticker.C:
		case <-s.exited:
			return fmt.Errorf("it ended: %s", s.command.ProcessState)
		case <-timeout.C:
			return fmt.Errorf("it was not healthy after %s", s.timeout)
		}
	}
}

// answers is an error where it is not the server that answers: another one may be healthy at the port that both were given.
func (s *server) answers(connection tls.ConnectionState) error {
	file, err := os.ReadFile(s.certificate)
	if err != nil {
		return fmt.Errorf("reading the certificate of %s: %w", s.name(), err)
	}
	block, _ := pem.Decode(file)
	if block == nil || !bytes.Equal(block.Bytes, connection.PeerCertificates[0].Raw) {
		return fmt.Errorf("another server than %s answers", s.name())
	}
	return nil
}

// stop lets the server end in order, and kills it if it does not.
func (s *server) stop() error {
	if s.command == nil {
		return nil
	}
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopTimeout):
	}
	s.kill()
	return fmt.Errorf("%s had to be killed: it did not end within %s", s.name(), stopTimeout)
}

// kill ends the server at once.
func (s *server) kill() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Kill() // it may have ended
	<-s.exited
}
