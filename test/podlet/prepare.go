package podlet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// mount waits until everything that the pod's volumes are made of is there. It returns false if the pod is to end first.
func (p *pod) mount() bool {
	for _, volume := range p.object().Spec.Volumes {
		for _, in := range volumeInputs(&volume) {
			found := p.awaitInput(in, func(problem string) {
				p.node.event(p.object(), "FailedMount", fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", volume.Name, problem))
			})
			if !found {
				return false
			}
		}
	}
	select {
	case <-p.stopping:
		return false
	case <-p.ctx.Done():
		return false
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mounted = true
	return true
}

// prepare waits until the container can be created, and returns how it will behave.
func (c *container) prepare() (Container, bool) {
	script, ok := c.pull()
	if !ok {
		return Container{}, false
	}
	behaviour := script.Main
	if c.initialises || c.sidecar && script.Init.Run != nil {
		behaviour = script.Init
	}
	if w := behaviour.Waiting; w != nil {
		if w.Reason == "ErrImagePull" {
			c.backOffPull(w.Message)
		} else {
			c.wait(w.Reason, w.Message)
		}
		if !awaitChannel(c, w.Until) {
			return Container{}, false
		}
	}
	for _, in := range envInputs(c.spec) {
		found := c.pod.awaitInput(in, func(problem string) { c.wait("CreateContainerConfigError", problem) })
		if !found {
			return Container{}, false
		}
	}
	return behaviour, !c.interrupted()
}

// pull waits until there is a script for the container's image.
func (c *container) pull() (Script, bool) {
	for {
		script, ok, published := c.pod.node.script(c.spec.Image)
		if ok {
			c.pulled(script)
			return script, true
		}
		if c.spec.ImagePullPolicy == corev1.PullNever {
			c.wait("ErrImageNeverPull", fmt.Sprintf("Container image %q is not present with pull policy of Never", c.spec.Image))
		} else {
			c.backOffPull(fmt.Sprintf("failed to pull and unpack image %[1]q: failed to resolve reference %[1]q: %[1]s: not found",
				c.spec.Image))
		}
		if !awaitChannel(c, published) {
			return Script{}, false
		}
	}
}

// backOffPull says that a pull has failed, and that the next one will be later.
func (c *container) backOffPull(message string) {
	c.wait("ErrImagePull", message)
	c.wait("ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.spec.Image, message))
}

// wait says why the container does not start yet.
func (c *container) wait(reason, message string) {
	c.setState(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}})
	c.pod.publish()
}

// awaitChannel returns false if the container may not start any more before something comes or the channel is closed.
func awaitChannel[T any](c *container, channel <-chan T) bool {
	select {
	case <-channel:
		return true
	case <-c.pod.stopping:
	case <-c.quit:
	case <-c.pod.ctx.Done():
	}
	return false
}
