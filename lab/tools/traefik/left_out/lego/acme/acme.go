// Package acme has the types of accounts.
package acme

// Account stands for a registered account.
type Account struct{}

// ExtendedAccount stands for an account and its address.
type ExtendedAccount struct {
	Account
	Location string
}
