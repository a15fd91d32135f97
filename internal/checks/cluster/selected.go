package cluster

import "flag"

// Selected says whether checks were chosen by name. What is chosen may rely on others that are not; where all run, nothing needs to be
// done twice.
func Selected() bool {
	run := flag.Lookup("test.run")
	return run != nil && run.Value.String() != ""
}
