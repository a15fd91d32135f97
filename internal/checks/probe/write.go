package probe

import (
	"errors"
	"fmt"
	"os"
)

// TextVariable has what Write writes.
const TextVariable = "AICR_PROBE_TEXT"

// Write writes a text into files, and ends once their storage has it.
const Write = "write"

func write(paths []string, text string) error {
	for _, path := range paths {
		if err := writeFile(path, text); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path, text string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("creating a file to write: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteString(text); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("writing %s through to its storage: %w", path, err)
	}
	return nil
}
