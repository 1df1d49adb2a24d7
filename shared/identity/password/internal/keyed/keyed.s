// This file lets keyed.go declare a function without a body.
