// Package log has the client's log.
package log

import "log/slog"

// SetDefault has no effect.
func SetDefault(*slog.Logger) {}
