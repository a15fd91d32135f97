package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// AnswerVariable has what Serve answers to every request.
const AnswerVariable = "AICR_PROBE_ANSWER"

// Serve answers HTTP requests on Port, always the same, until it is told to end.
const Serve = "serve"

// Port is where Serve listens; a container needs no privilege for it.
const Port = 8080

// shutdownTime is what requests under way get once the server is told to end.
const shutdownTime = 2 * time.Second

func serve(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf(":%d", Port))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	return answer(ctx, listener, os.Getenv(AnswerVariable))
}

func answer(ctx context.Context, listener net.Listener, text string) error {
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, text)
		}),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(closing); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("ending the server: %w", err)
	}
	return nil
}
