"""Settings of a stack on Azure, their checks, and the catalogues that the checks use."""
