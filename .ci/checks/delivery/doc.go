// Package delivery has the tests of cloudbuild.yaml. They are in a module of their own, so that the hub does not depend on
// Cloud Build's types.
package delivery
