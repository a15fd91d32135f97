package program

import "fmt"

func Example() {
	fmt.Println("as promised")
	// Output: as promised
}

func Example_fails() {
	fmt.Println("one thing")
	// Output: another
}
