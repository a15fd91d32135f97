// Package none is a test binary without a test.
package none
