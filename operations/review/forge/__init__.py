"""APIs of the forges that hold the pull requests: GitHub, GitLab and Azure DevOps."""
