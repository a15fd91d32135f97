package namespace

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChooseLink(t *testing.T) {
	for _, test := range []struct {
		name string
		used []string
		want string
	}{
		{"nothing in use", nil, "198.18.0.0/30"},
		{"a default route takes no address", []string{"0.0.0.0/0"}, "198.18.0.0/30"},
		{"unrelated routes", []string{"192.0.2.0/24", "127.0.0.0/8"}, "198.18.0.0/30"},
		{"another cluster", []string{"198.18.0.0/30"}, "198.18.1.0/30"},
		{"a host route", []string{"198.18.0.2/32", "198.18.1.1/32"}, "198.18.2.0/30"},
		{"a network that holds the whole range", []string{"198.0.0.0/8"}, "172.30.0.0/30"},
		{"private networks of an office", []string{"198.18.0.0/15", "172.16.0.0/12", "10.0.0.0/8"}, "192.168.0.0/30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ChooseLink(prefixes(test.used))
			if err != nil {
				t.Fatal(err)
			}
			if got.Subnet.String() != test.want {
				t.Errorf("subnet %s, want %s", got.Subnet, test.want)
			}
		})
	}
}

func TestChooseLinkGivesUp(t *testing.T) {
	got, err := ChooseLink(prefixes([]string{"198.18.0.0/15", "172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16"}))
	if !errors.Is(err, ErrNoSubnet) {
		t.Errorf("got %v, %v, want ErrNoSubnet", got, err)
	}
}

func TestLinkAddresses(t *testing.T) {
	l := Link{Subnet: netip.MustParsePrefix("198.18.3.0/30")}
	if l.Host().String() != "198.18.3.1" || l.Node().String() != "198.18.3.2" {
		t.Errorf("host %s, node %s", l.Host(), l.Node())
	}
}

func TestParseRoutes(t *testing.T) {
	got, err := parseRoutes([]byte(`[
		{"dst":"default","gateway":"192.0.2.1","dev":"eth0"},
		{"dst":"192.0.2.0/24","dev":"eth0","prefsrc":"192.0.2.2"},
		{"type":"local","dst":"127.0.0.1","dev":"lo","table":"local"}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := prefixes([]string{"192.0.2.0/24", "127.0.0.1/32"})
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("routes differ (-want +got):\n%s", diff)
	}
	if got, err := parseRoutes([]byte(`[{"dst":"nonsense"}]`)); err == nil {
		t.Errorf("nonsense was read as %v", got)
	}
}

func TestParseMounts(t *testing.T) {
	const mountinfo = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
43 42 0:4 net:[1] /run/with\040space/net rw shared:3 - nsfs nsfs rw
`
	want := []string{"/proc", "/", "/run/with space/net"}
	if diff := cmp.Diff(want, parseMounts(mountinfo)); diff != "" {
		t.Errorf("mounts differ (-want +got):\n%s", diff)
	}
}

func TestEnterNamesBothNamespaces(t *testing.T) {
	s := Space{Net: "/run/x/net", Mount: "/run/x/mnt"}
	want := []string{"nsenter", "--net=/run/x/net", "--mount=/run/x/mnt", "--", "etcd", "--flag"}
	if diff := cmp.Diff(want, s.Detached("etcd", "--flag").Args); diff != "" {
		t.Errorf("command differs (-want +got):\n%s", diff)
	}
}

func prefixes(texts []string) []netip.Prefix {
	var found []netip.Prefix
	for _, text := range texts {
		found = append(found, netip.MustParsePrefix(text))
	}
	return found
}
