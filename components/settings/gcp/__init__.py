"""Settings of a stack on Google Cloud, their checks, and the catalogues that the checks use."""
