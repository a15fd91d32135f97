package capture

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxFile bounds what is read of one file.
const maxFile = 64 << 10

// podsOwn are the parts of /proc/sys that a container sees of itself, or that are another value each time: they say nothing of the
// node.
var podsOwn = []string{
	"net", "user", "fs/mqueue", "kernel/hostname", "kernel/domainname", "kernel/msg", "kernel/sem", "kernel/shm", "kernel/ns_last_pid",
	"kernel/random", "kernel/pty/nr", "fs/aio-nr", "fs/dentry-state", "fs/file-nr", "fs/inode-", "fs/quota", "fs/binfmt_misc",
}

// Sysctl reads the kernel's settings, as far as this user may, from /proc/sys.
func Sysctl(sys fs.FS) (Subtype, error) {
	data := map[string]string{}
	err := fs.WalkDir(sys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case name == ".":
			return err
		case err != nil:
			// A folder that must not be read is left out like a file.
			return fs.SkipDir
		case slices.ContainsFunc(podsOwn, func(prefix string) bool { return matches(name, prefix) }):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		if text, err := readFile(sys, name); err == nil {
			data["/proc/sys/"+name] = text
		}
		return nil
	})
	return newSubtype(typeOS, "sysctl", data), err
}

// matches reports whether a name is that of a part, below it, or begins as a part's does that has no folder of its own.
func matches(name, part string) bool {
	rest, found := strings.CutPrefix(name, part)
	if !found {
		return false
	}
	return strings.Contains(part, "/") || rest == "" || rest[0] == '/'
}

func readFile(files fs.FS, name string) (string, error) {
	file, err := files.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	return string(data), err
}

// Cmdline reads the parameters that the kernel was started with, in which the boot loader's settings end up. A parameter that is given
// twice has both values.
func Cmdline(text string) Subtype {
	data := map[string]string{}
	for field := range strings.FieldsSeq(text) {
		if field == "--" {
			// What follows is for the first process, and not for the kernel.
			break
		}
		key, value, _ := strings.Cut(field, "=")
		if secret(key) {
			continue
		}
		if before, found := data[key]; found && before != value {
			value = before + "," + value
		}
		data[key] = value
	}
	return newSubtype(typeOS, "grub", data)
}

// secret reports whether a parameter may hold what does not belong into a report.
func secret(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc([]string{"passw", "secret", "token", "credential"}, func(word string) bool { return strings.Contains(key, word) })
}

// Modules reads /proc/modules.
func Modules(text string) Subtype {
	data := map[string]string{}
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 0 {
			data[fields[0]] = "true"
		}
	}
	return newSubtype(typeOS, "kmod", data)
}

// Release reads /etc/os-release.
func Release(text string) Subtype {
	data := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found || strings.HasPrefix(key, "#") {
			continue
		}
		data[key] = unquote(value)
	}
	return newSubtype(typeOS, "release", given(data))
}

func unquote(value string) string {
	for _, quote := range []string{`"`, `'`} {
		if inner, found := strings.CutPrefix(value, quote); found {
			return strings.TrimSuffix(inner, quote)
		}
	}
	return value
}

// distributions are the IDs of the systems whose pretty names do not begin with them.
var distributions = []struct{ prefix, id string }{
	{"Ubuntu", "ubuntu"}, {"Debian", "debian"}, {"Amazon Linux", "amzn"}, {"Bottlerocket", "bottlerocket"},
	{"Container-Optimized OS", "cos"}, {"Red Hat Enterprise Linux CoreOS", "rhcos"}, {"Red Hat Enterprise Linux", "rhel"},
	{"Rocky Linux", "rocky"}, {"AlmaLinux", "almalinux"}, {"CentOS", "centos"}, {"Oracle Linux", "ol"}, {"Fedora", "fedora"},
	{"Flatcar", "flatcar"}, {"Talos", "talos"}, {"SUSE Linux Enterprise Server", "sles"}, {"SUSE Linux Micro", "sl-micro"},
	{"openSUSE", "opensuse"}, {"Alpine", "alpine"}, {"Azure Linux", "azurelinux"}, {"CBL-Mariner", "mariner"}, {"Garden Linux", "gardenlinux"},
}

// ReleaseOf derives the release from the pretty name that a kubelet reports, for want of the file itself. What cannot be told from it is
// left out.
func ReleaseOf(image string) Subtype {
	data := map[string]string{"PRETTY_NAME": image, "VERSION_ID": versionIn(image)}
	for _, d := range distributions {
		if strings.HasPrefix(image, d.prefix) {
			data["ID"] = d.id
			break
		}
	}
	// Ubuntu's points are no part of its version.
	if numbers := strings.Split(data["VERSION_ID"], "."); data["ID"] == "ubuntu" && len(numbers) > 2 {
		data["VERSION_ID"] = strings.Join(numbers[:2], ".")
	}
	return newSubtype(typeOS, "release", given(data))
}

// versionIn is the first word that begins like a version.
func versionIn(image string) string {
	for word := range strings.FieldsSeq(image) {
		word = strings.Trim(strings.TrimPrefix(strings.TrimPrefix(word, "("), "v"), "(),")
		if word != "" && word[0] >= '0' && word[0] <= '9' {
			return word
		}
	}
	return ""
}

// units are the services whose settings matter to a node of Kubernetes.
var units = []string{"containerd.service", "crio.service", "docker.service", "kubelet.service"}

// Services reads the files of a node's services. They tell what is set up, and not whether it runs.
func Services(root fs.FS) []Subtype {
	var all []Subtype
	for _, unit := range units {
		for _, folder := range []string{"etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"} {
			text, err := readFile(root, path.Join(folder, unit))
			if err != nil {
				continue
			}
			data := unitSettings(text)
			data["FragmentPath"] = "/" + path.Join(folder, unit)
			data["LoadState"] = "loaded"
			all = append(all, newSubtype("SystemD", unit, data))
			break
		}
	}
	return all
}

// unitSettings are the settings in a unit's file but for the environment, which may hold secrets. Of a setting that is given again the
// last counts.
func unitSettings(text string) map[string]string {
	data := map[string]string{}
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, found := strings.Cut(line, "=")
		if !found || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") || strings.HasPrefix(key, "Environment") || secret(value) {
			continue
		}
		data[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return data
}
