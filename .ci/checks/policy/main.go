// Command policy holds Terraform's plans against the rules of terraform/policy, without the cloud and without a network.
//
//	policy test DIR                 runs the rules' own tests
//	policy check DIR PLAN.json …    says what the plans break
//
// A plan is what `terraform show -json` prints. The rules are in the package main and called deny, as conftest wants them,
// so conftest takes the same folder. This program exists because it builds in a third of conftest's time.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "policy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "test":
		return test(ctx, args[1])
	case len(args) >= 3 && args[0] == "check":
		return check(ctx, args[1], args[2:])
	}
	return errors.New("usage: policy test DIR | policy check DIR PLAN.json …")
}

// test runs the rules' tests.
func test(ctx context.Context, dir string) error {
	modules, store, err := tester.Load([]string{dir}, nil)
	if err != nil {
		return err
	}
	return storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		results, err := tester.NewRunner().SetCompiler(ast.NewCompiler()).SetStore(store).SetModules(modules).RunTests(ctx, txn)
		if err != nil {
			return err
		}
		passed, failed := 0, 0
		for r := range results {
			if r.Pass() {
				passed++
				continue
			}
			failed++
			fmt.Printf("FAIL %s (%s) %v\n", r.Name, r.Location, r.Error)
		}
		fmt.Printf("%d tests of the rules passed, %d failed\n", passed, failed)
		if failed > 0 || passed == 0 {
			return errors.New("the rules do not hold their own tests")
		}
		return nil
	})
}

// check asks the rules about every plan.
func check(ctx context.Context, dir string, plans []string) error {
	query, err := rego.New(rego.Query("data.main.deny"), rego.Load([]string{dir}, nil)).PrepareForEval(ctx)
	if err != nil {
		return err
	}
	broken := 0
	for _, name := range plans {
		found, planned, err := denials(ctx, query, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("%s: %d resources, %d rules broken\n", name, planned, len(found))
		for _, f := range found {
			fmt.Println("  " + f)
		}
		broken += len(found)
	}
	if broken > 0 {
		return errors.New("a plan breaks the rules")
	}
	return nil
}

func denials(ctx context.Context, query rego.PreparedEvalQuery, name string) (found []string, planned int, err error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, 0, err
	}
	var plan map[string]any
	if err := json.Unmarshal(raw, &plan); err != nil {
		return nil, 0, err
	}
	changes, ok := plan["resource_changes"].([]any)
	if !ok || len(changes) == 0 {
		return nil, 0, errors.New("this plan makes nothing: it would hold every rule")
	}
	results, err := query.Eval(ctx, rego.EvalInput(plan))
	if err != nil {
		return nil, 0, err
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return nil, 0, errors.New("the rules give no answer")
	}
	list, ok := results[0].Expressions[0].Value.([]any)
	if !ok {
		return nil, 0, errors.New("the rules give no list")
	}
	for _, one := range list {
		found = append(found, fmt.Sprint(one))
	}
	slices.Sort(found)
	return found, len(changes), nil
}
