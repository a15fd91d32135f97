package health

import (
	"os"
	"slices"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	healthKey  = "resource.customizations.health.validation.aicr.dev_ValidationRun"
	actionsKey = "resource.customizations.actions.validation.aicr.dev_ValidationRun"
	// hookFinalizer is what Argo CD puts on hooks.
	hookFinalizer = "argocd.argoproj.io/hook-finalizer"
)

// argo is as much of Argo CD as judges a resource (gitops-engine/pkg/health, util/lua).
type argo struct {
	check   string
	actions actions
}

// actions is what Argo CD reads from the ConfigMap's value (ResourceActions in pkg/apis/application/v1alpha1).
type actions struct {
	Discovery   string `json:"discovery.lua"`
	Definitions []struct {
		Name   string `json:"name"`
		Action string `json:"action.lua"`
	} `json:"definitions"`
}

type argoHealth struct{ Status, Message string }

// newArgo is an Argo CD with the settings that the kustomization makes.
func newArgo(t *testing.T) *argo {
	t.Helper()
	settings := one(t, build(t, gitops+"/argocd"), "ConfigMap")
	data, found, err := unstructured.NestedStringMap(settings.Object, "data")
	if err != nil || !found {
		t.Fatalf("argocd-cm has no data: %v", err)
	}
	a := &argo{check: data[healthKey]}
	if err := yaml.UnmarshalStrict([]byte(data[actionsKey]), &a.actions); err != nil {
		t.Fatalf("decoding %s: %v", actionsKey, err)
	}
	return a
}

// health is GetResourceHealth: what is being deleted and is no hook is pending, and of the rest the check is asked.
func (a *argo) health(t *testing.T, object *unstructured.Unstructured) argoHealth {
	t.Helper()
	if object.GetDeletionTimestamp() != nil && !slices.Contains(object.GetFinalizers(), hookFinalizer) {
		return argoHealth{Status: "Progressing", Message: "Pending deletion"}
	}
	result, ok := runLua(t, a.check, object).(map[string]any)
	if !ok {
		t.Fatal("the check returned no table")
	}
	out := argoHealth{}
	out.Status, _ = result["status"].(string)
	out.Message, _ = result["message"].(string)
	return out
}

// runLua runs a script as Argo CD does: with the libraries package, base and table, and an os of two functions.
func runLua(t *testing.T, script string, object *unstructured.Unstructured) any {
	t.Helper()
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	l.SetContext(t.Context())
	for _, lib := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}} {
		if err := l.CallByParam(lua.P{Fn: l.NewFunction(lib.open), Protect: true}, lua.LString(lib.name)); err != nil {
			t.Fatal(err)
		}
	}
	l.PreloadModule(lua.OsLibName, safeOS)
	l.SetGlobal("obj", toLua(l, object.Object))
	if err := l.DoString(script); err != nil {
		t.Fatalf("running Lua: %v", err)
	}
	return fromLua(l.Get(-1))
}

// safeOS is Argo CD's os: two functions, which are those of the interpreter's own.
func safeOS(l *lua.LState) int {
	whole := lua.NewState()
	defer whole.Close()
	all, _ := whole.GetGlobal(lua.OsLibName).(*lua.LTable)
	safe := l.NewTable()
	for _, name := range []string{"time", "date"} {
		function, _ := all.RawGetString(name).(*lua.LFunction)
		safe.RawSetString(name, l.NewFunction(function.GFunction))
	}
	l.Push(safe)
	return 1
}

func toLua(l *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case bool:
		return lua.LBool(v)
	case string:
		return lua.LString(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	case []any:
		table := l.NewTable()
		for _, item := range v {
			table.Append(toLua(l, item))
		}
		return table
	case map[string]any:
		table := l.NewTable()
		for key, item := range v {
			table.RawSetString(key, toLua(l, item))
		}
		return table
	}
	return lua.LNil
}

// fromLua takes an empty table for a map; Argo CD looks up which it was.
func fromLua(value lua.LValue) any {
	switch v := value.(type) {
	case lua.LBool:
		return bool(v)
	case lua.LString:
		return string(v)
	case lua.LNumber:
		if v == lua.LNumber(int64(v)) {
			return int64(v)
		}
		return float64(v)
	case *lua.LTable:
		if v.Len() > 0 {
			var out []any
			for i := 1; i <= v.Len(); i++ {
				out = append(out, fromLua(v.RawGetInt(i)))
			}
			return out
		}
		out := map[string]any{}
		v.ForEach(func(key, item lua.LValue) { out[key.String()] = fromLua(item) })
		return out
	}
	return nil
}

// The libraries that a script of ours may use are fewer than Lua has: what the interpreter here lacks, Argo CD's does.
func TestLuaHasNoMoreThanArgo(t *testing.T) {
	object := &unstructured.Unstructured{Object: map[string]any{}}
	for script, want := range map[string]string{
		"return type(string)":               "nil",
		"return type(math)":                 "nil",
		"return type(io)":                   "nil",
		"return type(os)":                   "nil",
		"return type(table.concat)":         "function",
		"return type(require('os').date)":   "function",
		"return type(require('os').getenv)": "nil",
	} {
		if got := runLua(t, script, object); got != want {
			t.Errorf("%s: got %v, want %s", script, got, want)
		}
	}
}

// The check is installed beside other settings, and into an Argo CD that kustomize installs.
func TestArgoSettings(t *testing.T) {
	check, err := os.ReadFile(gitops + "/argocd/customizations/health.lua")
	if err != nil {
		t.Fatal(err)
	}
	settings := one(t, build(t, gitops+"/argocd"), "ConfigMap")
	if settings.GetName() != "argocd-cm" || settings.GetNamespace() != "argocd" || settings.GetLabels()["app.kubernetes.io/part-of"] != "argocd" {
		t.Errorf("Argo CD does not read ConfigMap %s/%s with labels %v", settings.GetNamespace(), settings.GetName(), settings.GetLabels())
	}
	overlay := one(t, build(t, "testdata/argocd-overlay"), "ConfigMap")
	for _, cm := range []*unstructured.Unstructured{settings, overlay} {
		if got, _, _ := unstructured.NestedString(cm.Object, "data", healthKey); got != string(check) {
			t.Errorf("%s holds another check than health.lua:\n%s", cm.GetName(), got)
		}
	}
	if got, _, _ := unstructured.NestedString(overlay.Object, "data", "url"); got != "https://argocd.example.com" {
		t.Errorf("another setting of argocd-cm is gone: url is %q", got)
	}
}
