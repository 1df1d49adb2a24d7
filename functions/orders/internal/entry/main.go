// Command entry serves the orders function as the cloud's builder does: the framework's main around the package.
package main

import (
	"fmt"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "ryggrad.internal/hub/functions/orders"
)

func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
