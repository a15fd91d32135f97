package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Lock waits until no other command works on the same thing, and returns the function that lets the next one in. The kernel lets
// go of it when the command dies. The lock's file stays: removing it would let two commands in at once.
func Lock(cache, what string, waiting func()) (unlock func(), err error) {
	dir := filepath.Join(cache, "locks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("locking %s: %w", what, err)
	}
	file, err := os.OpenFile(filepath.Join(dir, what), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", what, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		waiting()
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		_ = file.Close() // the lock is what failed
		return nil, fmt.Errorf("locking %s: %w", what, err)
	}
	return func() { _ = file.Close() }, nil // which gives the lock back whatever it says
}
