package workload

import (
	"encoding/json"
	"fmt"
)

// convert turns a bounded type of our API into the core API's type of the same field names.
func convert[To any](from any) (To, error) {
	var to To
	data, err := json.Marshal(from)
	if err != nil {
		return to, fmt.Errorf("encoding %T: %w", from, err)
	}
	if err := json.Unmarshal(data, &to); err != nil {
		return to, fmt.Errorf("decoding %T as %T: %w", from, to, err)
	}
	return to, nil
}
