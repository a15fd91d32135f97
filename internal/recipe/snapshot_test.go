package recipe

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const measured = `kind: Snapshot
apiVersion: aicr.nvidia.com/v1alpha1
metadata: {source-node: worker-1}
measurements:
- type: K8s
  subtypes:
  - subtype: server
    context: {version: of the API server}
    data: {version: v1.33.0, port: 6443, ready: true, build: 2026-01-02, load: 1.50, nothing: }
  - subtype: helm
    data:
      gpu-operator.version: v25.10.1
- type: OS
  nodes: [worker-2, worker-1, worker-1]
  subtypes:
  - subtype: release
    data: {ID: ubuntu}
- type: OS
  nodes: [worker-1]
  subtypes:
  - subtype: sysctl
    data: {/proc/sys/kernel/osrelease: 6.8.0-1028-aws}
- type: OS
  nodes: [worker-2]
  subtypes:
  - subtype: sysctl
    data: {/proc/sys/kernel/osrelease: 5.15.0-1028-aws}
- type: SystemD
  subtypes:
  - {subtype: containerd.service, data: {CPUAccounting: "true"}}
- type: GPU
  nodes: [worker-1]
  subtypes:
  - {subtype: smi, data: {driver: "580.82.07", driver.name: nvidia}}
- type: GPU
  nodes: [worker-3]
  subtypes:
  - {subtype: smi, data: }
- {type: NodeTopology}
`

func snapshot(t *testing.T, text string) *Snapshot {
	t.Helper()
	s, err := ParseSnapshot([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseSnapshot(t *testing.T) {
	got := snapshot(t, measured).Measurements[:2]
	want := []Measurement{
		{Type: "K8s", Subtypes: []Subtype{
			{Subtype: "server", Data: map[string]string{
				"version": "v1.33.0", "port": "6443", "ready": "true", "build": "2026-01-02", "load": "1.50",
			}},
			{Subtype: "helm", Data: map[string]string{"gpu-operator.version": "v25.10.1"}},
		}},
		{Type: "OS", Nodes: []string{"worker-1", "worker-2"}, Subtypes: []Subtype{
			{Subtype: "release", Data: map[string]string{"ID": "ubuntu"}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseSnapshot (-want +got):\n%s", diff)
	}
}

func TestParseMeasurement(t *testing.T) {
	got, err := ParseMeasurement([]byte("type: K8s\nsubtypes:\n- subtype: server\n  data: {version: v1.37.1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Snapshot{Measurements: []Measurement{{
		Type: "K8s", Subtypes: []Subtype{{Subtype: "server", Data: map[string]string{"version": "v1.37.1"}}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseMeasurement (-want +got):\n%s", diff)
	}
	if _, err := ParseMeasurement([]byte("subtypes: []\n")); err == nil || !strings.Contains(err.Error(), "line 1: type: the field is missing") {
		t.Errorf("ParseMeasurement error = %v, want one that misses the type", err)
	}
	if _, err := ParseMeasurement(nil); err == nil || !strings.Contains(err.Error(), "the measurement is empty") {
		t.Errorf("ParseMeasurement error = %v, want one that it is empty", err)
	}
}

func TestSnapshotBounds(t *testing.T) {
	subtype := "measurements: [{type: a, subtypes: [{subtype: b, data: {%}}]}]"
	for name, tt := range map[string]struct{ data, want string }{
		"key":   {strings.Repeat("k", 257) + ": 1", "a key has 1 to 256 bytes"},
		"value": {"k: " + strings.Repeat("v", 64<<10+1), "it has 65537 bytes: shorten it to 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseSnapshot([]byte(strings.Replace(subtype, "%", tt.data, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseSnapshot error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	tests := map[string]struct {
		want  []Reading
		wrong string
	}{
		"K8s.server.version":            {want: []Reading{{Value: "v1.33.0"}}},
		"K8s.helm.gpu-operator.version": {want: []Reading{{Value: "v25.10.1"}}},
		"OS.release.ID":                 {want: []Reading{{"ubuntu", []string{"worker-1", "worker-2"}}}},
		"OS.sysctl./proc/sys/kernel/osrelease": {want: []Reading{
			{"5.15.0-1028-aws", []string{"worker-2"}}, {"6.8.0-1028-aws", []string{"worker-1"}},
		}},
		"SystemD.containerd.service.CPUAccounting": {want: []Reading{{Value: "true"}}},
		"GPU.smi.driver": {
			want:  []Reading{{"580.82.07", []string{"worker-1"}}},
			wrong: "GPU.smi.driver was not measured on worker-3",
		},
		"K8s.server.vesion":    {wrong: "K8s.server has no key vesion: did you mean version?"},
		"K8s.server.nothing":   {wrong: "K8s.server has no key nothing; it has build, load, port, ready, version"},
		"K8s.server.something": {wrong: "it has build, load, port, ready, version"},
		"K8s.srever.version":   {wrong: "K8s has no subtype srever: did you mean server?"},
		"K8s.node.version":     {wrong: "K8s has no subtype node; it has helm, server"},
		"k8s.server.version":   {wrong: "the snapshot has no measurement of type k8s: did you mean K8s?"},
		"K8s.Server.version":   {wrong: "K8s has no subtype Server: did you mean server?"},
		"Network.nic.speed":    {wrong: "no measurement of type Network; it has GPU, K8s, NodeTopology, OS, SystemD"},
		"NodeTopology.a.b":     {wrong: "NodeTopology has no subtype a; it has nothing"},
		"GPU.smi.cuda":         {wrong: "GPU.smi has no key cuda; it has driver, driver.name"},
		"K8s":                  {wrong: "no measurement of type K8s"},
		"K8s.server":           {wrong: "K8s has no subtype server"},
		"":                     {wrong: "no measurement of type"},
	}
	s := snapshot(t, measured)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := s.Lookup(name)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Lookup (-want +got):\n%s", diff)
			}
			switch {
			case tt.wrong == "" && err != nil:
				t.Error(err)
			case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
				t.Errorf("Lookup error = %v, want one with %q", err, tt.wrong)
			}
		})
	}
}

func TestLookupRefusesToGuess(t *testing.T) {
	s := snapshot(t, `measurements:
- type: OS
  subtypes:
  - {subtype: release, data: {a.b: good}}
  - {subtype: release.a, data: {b: bad}}
`)
	readings, err := s.Lookup("OS.release.a.b")
	if want := "OS.release.a.b may be OS / release / a.b or OS / release.a / b"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Lookup = %v, %v, want an error with %q", readings, err, want)
	}
}

func TestLookupAmongMany(t *testing.T) {
	s := &Snapshot{}
	for i := range 3000 {
		data := map[string]string{"version": "1"}
		s.Measurements = append(s.Measurements,
			Measurement{Type: "OS", Subtypes: []Subtype{{Subtype: "release", Data: data}}},
			Measurement{Type: "K8s", Subtypes: []Subtype{{Subtype: fmt.Sprintf("image-%d", i), Data: data}}})
	}
	for name, want := range map[string]string{
		"OS.release.vesion":  "did you mean version?",
		"K8s.server.version": "K8s has no subtype server; it has more than 2000 others",
	} {
		if _, err := s.Lookup(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Lookup(%s) error = %v, want one with %q", name, err, want)
		}
	}
}

func TestMergeSnapshots(t *testing.T) {
	part := func(node, kernel string) *Snapshot {
		s := snapshot(t, "measurements: [{type: OS, subtypes: ["+
			"{subtype: release, data: {ID: ubuntu}}, {subtype: sysctl, data: {kernel: "+kernel+"}}]}]")
		return s.On(node)
	}
	cluster := snapshot(t, "measurements: [{type: K8s, subtypes: [{subtype: server, data: {version: v1.33.0}}]}, {type: Empty}]")
	more := snapshot(t, "measurements: [{type: K8s, subtypes: [{subtype: server, data: {platform: linux/amd64, version: v1.34.0}}]}]")
	parts := []*Snapshot{part("b", "6.8"), cluster, part("a", "6.8"), part("c", "5.15"), more, cluster}
	want := []Measurement{
		{Type: "Empty"},
		{Type: "K8s", Subtypes: []Subtype{
			{Subtype: "server", Data: map[string]string{"platform": "linux/amd64", "version": "v1.33.0"}},
			{Subtype: "server", Data: map[string]string{"version": "v1.34.0"}},
		}},
		{Type: "OS", Nodes: []string{"a", "b"}, Subtypes: []Subtype{{Subtype: "sysctl", Data: map[string]string{"kernel": "6.8"}}}},
		{Type: "OS", Nodes: []string{"a", "b", "c"}, Subtypes: []Subtype{{Subtype: "release", Data: map[string]string{"ID": "ubuntu"}}}},
		{Type: "OS", Nodes: []string{"c"}, Subtypes: []Subtype{{Subtype: "sysctl", Data: map[string]string{"kernel": "5.15"}}}},
	}
	first := MergeSnapshots(parts...)
	if diff := cmp.Diff(want, first.Measurements); diff != "" {
		t.Errorf("MergeSnapshots (-want +got):\n%s", diff)
	}
	for range parts {
		parts = append(parts[1:], parts[0])
		if diff := cmp.Diff(first, MergeSnapshots(parts...)); diff != "" {
			t.Errorf("the order of the parts matters:\n%s", diff)
		}
	}
	if diff := cmp.Diff(first, MergeSnapshots(first)); diff != "" {
		t.Errorf("merging again changes it:\n%s", diff)
	}
}

func TestOnLeavesWhatIsKnown(t *testing.T) {
	s := snapshot(t, "measurements: [{type: OS, nodes: [a]}, {type: OS}]")
	got := s.On("b")
	if diff := cmp.Diff([]Measurement{{Type: "OS", Nodes: []string{"a"}}, {Type: "OS", Nodes: []string{"b"}}}, got.Measurements); diff != "" {
		t.Errorf("On (-want +got):\n%s", diff)
	}
	if len(s.Measurements[1].Nodes) != 0 {
		t.Error("On changes the snapshot that it is called of")
	}
}

const encodedWant = `kind: Snapshot
apiVersion: aicr.nvidia.com/v1alpha1
measurements:
  - type: OS
    nodes: [a, b]
    subtypes:
      - subtype: release
        data:
          ID: ubuntu
          NOTE: "yes"
          VERSION_ID: "24.04"
`

func TestEncode(t *testing.T) {
	s := snapshot(t, "measurements: [{type: OS, nodes: [b, a], subtypes: [{subtype: release, data: {VERSION_ID: 24.04, NOTE: 'yes', ID: ubuntu}}]}]")
	got, err := Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(encodedWant, string(got)); diff != "" {
		t.Errorf("Encode (-want +got):\n%s", diff)
	}
	all := snapshot(t, measured)
	if got, err = Encode(all); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(MergeSnapshots(all), snapshot(t, string(got))); diff != "" {
		t.Errorf("what is read back (-want +got):\n%s", diff)
	}
}

func TestEncodeRefusesWhatCannotBeReadBack(t *testing.T) {
	for name, tt := range map[string]struct {
		data map[string]string
		want string
	}{
		"too large": {map[string]string{"a": strings.Repeat("a", MaxBytes)}, "which is what a ConfigMap holds"},
		"no key":    {map[string]string{"": "a"}, "a key has 1 to 256 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Encode(&Snapshot{Measurements: []Measurement{{Type: "a", Subtypes: []Subtype{{Subtype: "b", Data: tt.data}}}}})
			if got != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Encode = %d bytes, %v, want an error with %q", len(got), err, tt.want)
			}
		})
	}
}
