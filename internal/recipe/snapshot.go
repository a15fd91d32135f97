package recipe

// Snapshot is what was measured on a cluster.
type Snapshot struct {
	Measurements []Measurement
}

// Measurement is what was measured of one type, such as K8s or OS.
type Measurement struct {
	Type string
	// Nodes are the nodes on which all of this was measured alike; none where it holds for the cluster, or where the node is unknown.
	Nodes    []string
	Subtypes []Subtype
}

// Subtype is a part of a measurement.
type Subtype struct {
	Subtype string
	Data    map[string]string
}

// Reading is one value that was measured, and the nodes that it was measured on.
type Reading struct {
	Value string
	Nodes []string
}
