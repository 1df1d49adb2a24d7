package status

// about is how a function is called on the status page.
type about struct{ words, group string }

const (
	groupOrders   = "Orders"
	groupAccess   = "Access and accountability"
	groupUpkeep   = "Upkeep"
	groupRegions  = "Regions"
	groupInternal = "Other"
)

// wordsFor says what functions are for. One that is missing is shown by its name.
func wordsFor() map[string]about {
	return map[string]about{
		"orders":    {"Taking orders in", groupOrders},
		"fetch":     {"Fetching orders from platforms", groupOrders},
		"reconcile": {"Settling cancellations that came early", groupOrders},
		"delivery":  {"Endpoints and deliveries", groupOrders},
		"dispatch":  {"Sending orders to points of sale", groupOrders},
		"relay":     {"Sending again what was left behind", groupOrders},
		"retry":     {"Trying failed deliveries again", groupOrders},
		"deadlines": {"Watching deadlines to accept", groupOrders},
		"auth":      {"Logging in, tokens, settings", groupAccess},
		"audit":     {"Showing the audit log", groupAccess},
		"seal":      {"Sealing the audit log", groupAccess},
		"privacy":   {"Exporting and erasing guests' data", groupAccess},
		"status":    {"Status and trust pages", groupAccess},
		"backup":    {"Backups", groupUpkeep},
		"keys":      {"Looking after keys", groupUpkeep},
		"retention": {"Deleting what is due", groupUpkeep},
		"alerts":    {"Hearing alerts", groupUpkeep},
		"summarize": {"Measuring", groupUpkeep},
	}
}

func groups() []string { return []string{groupOrders, groupAccess, groupUpkeep, groupInternal} }

func aboutOf(function string) about {
	if a, known := wordsFor()[function]; known {
		return a
	}
	return about{function, groupInternal}
}
