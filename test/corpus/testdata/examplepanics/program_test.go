package program

import "fmt"

func Example() {
	fmt.Println("so far")
	panic("no further")
	// Output: so far
}

func Example_never() {
	fmt.Println("never")
	// Output: never
}
