package main

import (
	"errors"
	"strings"
	"testing"
)

func TestTheFirstOwnerIsMadeOnceAndLogsIn(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var made bootstrapped
	c.read(&made, "bootstrap", "Group", "--email", "anna@example.com", "--name", "Anna")
	if made.Tenant == "" || made.ID == "" || len(made.InitialPassword) < 15 {
		t.Errorf("made %+v", made)
	}
	if _, err := c.run("bootstrap", "Group", "--email", "bo@example.com", "--name", "Bo"); !errors.Is(err, errNotEmpty) {
		t.Errorf("a second bootstrap: %v", err)
	}
	var all []userAnswer
	c.read(&all, "users", "list", made.Tenant)
	if len(all) != 1 || all[0].Email != "anna@example.com" || all[0].Role != "owner" {
		t.Errorf("listed %+v", all)
	}
}

func TestTheFirstOwnerIsOfNoOtherTenant(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	if _, err := c.run("tenants", "create", "Group"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.run("bootstrap", "Groop", "--email", "anna@example.com", "--name", "Anna"); err == nil {
		t.Error("the owner of one tenant is made in another")
	}
	var made bootstrapped
	c.read(&made, "bootstrap", "Group", "--email", "anna@example.com", "--name", "Anna")
}

func TestOperatorsManagePeople(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var owner bootstrapped
	c.read(&owner, "bootstrap", "Group", "--email", "anna@example.com", "--name", "Anna")
	var made createdUser
	c.read(&made, "users", "create", owner.Tenant, "--email", "bo@example.com", "--name", "Bo", "--role", "viewer")
	var changed userAnswer
	c.read(&changed, "users", "change", owner.Tenant, made.ID, "--role", "manager", "--disable")
	if changed.Role != "manager" || !changed.Disabled {
		t.Errorf("changed %+v", changed)
	}
	var reset map[string]string
	c.read(&reset, "users", "password", owner.Tenant, made.ID)
	if reset["initialPassword"] == "" || reset["initialPassword"] == made.InitialPassword {
		t.Error("the password is not replaced")
	}
	for _, args := range [][]string{
		{"users", "end-sessions", owner.Tenant, made.ID},
		{"users", "rotate-pepper"},
		{"users", "second-factor", "ask", owner.Tenant, owner.ID},
		{"--as", "robin", "users", "second-factor", "agree", owner.Tenant, owner.ID},
	} {
		if _, err := c.run(args...); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := c.run("users", "second-factor", "do", owner.Tenant, owner.ID); err == nil || !strings.Contains(err.Error(), "can be done from") {
		t.Errorf("before the day is over: %v", err)
	}
	if _, err := c.run("users", "second-factor", "cancel", owner.Tenant, owner.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.run("users", "second-factor", "ask", owner.Tenant, owner.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.run("users", "second-factor", "agree", owner.Tenant, owner.ID); err == nil {
		t.Error("one operator asks and agrees")
	}
}
