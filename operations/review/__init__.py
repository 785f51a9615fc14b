"""Review of a pull request: the preview in words, price change, policy findings, and drift."""
