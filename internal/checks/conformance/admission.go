package conformance

import (
	"context"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

const (
	// policyName and webhookName are fixed, so that rights can be limited to them.
	policyName  = "check-policy.validation.aicr.dev"
	webhookName = "check-webhook.validation.aicr.dev"
	// targetLabel is on the objects that these are about, and on no others.
	targetLabel = "validation.aicr.dev/admission"
	refusal     = "a check of this cluster wants to see this refused"

	admissionMend = "see that no flag of the API server turns the admission plug-in off, and its log; on several API servers, " +
		"that all of them watch their storage"
)

// policies and webhooks are the API server's two ways to let others decide about requests.
var (
	configMaps = admissionregistrationv1.Rule{
		APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"},
	}
	onCreate = []admissionregistrationv1.OperationType{admissionregistrationv1.Create}
)

// scope is what makes a policy or a webhook concern one run's own ConfigMaps alone.
type scope struct {
	namespace *metav1.LabelSelector
	object    *metav1.LabelSelector
	labels    map[string]string
}

func newScope(b *cluster.Bench) scope {
	labels := map[string]string{targetLabel: rand.String(16)}
	return scope{
		namespace: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": b.Namespace}},
		object:    &metav1.LabelSelector{MatchLabels: labels},
		labels:    labels,
	}
}

// AdmissionPolicy proves that admission policies are enforced, within their scope and for as long as they exist: a policy that
// refuses ConfigMaps of one label makes the API server refuse such a ConfigMap, and no other; once it is deleted the ConfigMap is
// accepted.
func AdmissionPolicy(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f, s := &finding.Finding{}, newScope(b)
	policies := b.AdmissionregistrationV1().ValidatingAdmissionPolicies()
	if _, err := cluster.MakeAlone(ctx, b, policies, &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: policyName},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: new(admissionregistrationv1.Fail),
			MatchConstraints: &admissionregistrationv1.MatchResources{
				NamespaceSelector: s.namespace,
				ObjectSelector:    s.object,
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
					RuleWithOperations: admissionregistrationv1.RuleWithOperations{Operations: onCreate, Rule: configMaps},
				}},
			},
			Validations: []admissionregistrationv1.Validation{{Expression: "false", Message: refusal}},
		},
	}); err != nil {
		return refused(f, "create ValidatingAdmissionPolicies, and get and delete that of the name "+policyName, err)
	}
	bindings := b.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings()
	if _, err := cluster.MakeAlone(ctx, b, bindings, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: policyName},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: policyName, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}); err != nil {
		return refused(f, "create ValidatingAdmissionPolicyBindings, and get and delete that of the name "+policyName, err)
	}

	t := trial{b: b, f: f, scope: s, what: "the policy " + policyName, refused: func(err error) bool {
		return apierrors.IsInvalid(err) && strings.Contains(err.Error(), refusal)
	}}
	if !t.seesRefused(ctx) || !t.seesOthersAccepted(ctx) {
		return f
	}
	if err := bindings.Delete(ctx, policyName, metav1.DeleteOptions{}); err != nil {
		f.Refused("delete the ValidatingAdmissionPolicyBinding "+policyName, err)
		return f
	}
	t.seesAccepted(ctx, "once the policy's binding is deleted")
	return f
}

// WebhookLifecycle proves that the API server asks the admission webhooks that are registered, within their scope and with their
// failure policy, for as long as they exist. The webhook leads to a Service that does not exist, which needs no certificate: a
// request that it must decide about is refused under the failure policy Fail, accepted under Ignore, refused again under Fail, and
// accepted once the webhook is deleted.
func WebhookLifecycle(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f, s := &finding.Finding{}, newScope(b)
	webhooks := b.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := cluster.MakeAlone(ctx, b, webhooks, webhookOf(b, s)); err != nil {
		return refused(f, "create ValidatingWebhookConfigurations, and get, update and delete that of the name "+webhookName, err)
	}
	t := trial{b: b, f: f, scope: s, what: "the webhook " + webhookName, refused: func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "webhook") && strings.Contains(err.Error(), webhookName)
	}}
	if !t.seesRefused(ctx) || !t.seesOthersAccepted(ctx) ||
		!t.sets(ctx, admissionregistrationv1.Ignore) || !t.seesAccepted(ctx, "under the failure policy Ignore") ||
		!t.sets(ctx, admissionregistrationv1.Fail) || !t.seesRefused(ctx) {
		return f
	}
	if err := webhooks.Delete(ctx, webhookName, metav1.DeleteOptions{}); err != nil {
		f.Refused("delete the ValidatingWebhookConfiguration "+webhookName, err)
		return f
	}
	t.seesAccepted(ctx, "once the webhook is deleted")
	return f
}

func webhookOf(b *cluster.Bench, s scope) *admissionregistrationv1.ValidatingWebhookConfiguration {
	return &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: webhookName},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name:                    webhookName,
			FailurePolicy:           new(admissionregistrationv1.Fail),
			SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
			TimeoutSeconds:          new(int32(1)),
			NamespaceSelector:       s.namespace,
			ObjectSelector:          s.object,
			Rules:                   []admissionregistrationv1.RuleWithOperations{{Operations: onCreate, Rule: configMaps}},
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				Service: &admissionregistrationv1.ServiceReference{Namespace: b.Namespace, Name: cluster.Name("no-such-service")},
			},
		}},
	}
}

// trial asks the API server to accept ConfigMaps that a policy or a webhook decides about.
type trial struct {
	b       *cluster.Bench
	f       *finding.Finding
	scope   scope
	what    string
	refused func(error) bool
}

func (t trial) seesRefused(ctx context.Context) bool {
	is, answer := ask(ctx, labelled(t.b, t.scope.labels), t.refused)
	if !is {
		t.expected("refused because of "+t.what, answer)
	}
	return is
}

func (t trial) seesAccepted(ctx context.Context, when string) bool {
	is, answer := ask(ctx, labelled(t.b, t.scope.labels), accepted)
	if !is {
		t.expected("accepted "+when, answer)
	}
	return is
}

// seesOthersAccepted asks once: what is decided about the others must not come and go.
func (t trial) seesOthersAccepted(ctx context.Context) bool {
	err := labelled(t.b, nil)(ctx)
	if err != nil {
		t.expected("accepted that "+t.what+" is not about", err)
	}
	return err == nil
}

// expected keeps an answer that is not the wanted one. What somebody else has to say of ConfigMaps is no answer at all.
func (t trial) expected(what string, answer error) {
	if answer != nil && !t.refused(answer) {
		t.f.Refused("create ConfigMaps in "+t.b.Namespace, answer)
		return
	}
	t.f.Fail("a ConfigMap to be "+what, outcome(answer), admissionMend)
}

// sets changes the webhook's failure policy.
func (t trial) sets(ctx context.Context, policy admissionregistrationv1.FailurePolicyType) bool {
	webhooks := t.b.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	found, err := webhooks.Get(ctx, webhookName, metav1.GetOptions{})
	if err == nil {
		found.Webhooks[0].FailurePolicy = new(policy)
		_, err = webhooks.Update(ctx, found, metav1.UpdateOptions{})
	}
	if err != nil {
		t.f.Refused("get and update the ValidatingWebhookConfiguration "+webhookName, err)
	}
	return err == nil
}
