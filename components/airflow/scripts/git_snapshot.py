"""A bundle that fetches one commit for a task, and not the history of the repository.

GitDagBundle clones the whole repository before it checks out the version of a run, in each new pod
(apache-airflow-providers-git 0.5.0, bundles/git.py): 6 s for a history of 70 MB, where one commit takes 1 s
(docs/dags.md). A repository whose server sends no single commit is cloned whole. Everything else, the DAG processor's
clone included, is GitDagBundle's.
"""

from __future__ import annotations

import shutil
from contextlib import nullcontext

from airflow.providers.git.bundles.git import GitDagBundle
from git import Repo
from git.exc import GitCommandError


class SnapshotGitDagBundle(GitDagBundle):
    """GitDagBundle, with versions that are fetched alone."""

    def _initialize(self) -> None:
        if self.version and not self.submodules and not self.sparse_dirs:
            try:
                self._fetch_version()
            except GitCommandError as error:
                self._log.warning("The commit could not be fetched alone; cloning the repository", error=str(error))
        # It uses a version that is there already.
        super()._initialize()

    def _fetch_version(self) -> None:
        """Create the folder of the version, unless it exists."""
        with self.lock():
            if self.repo_path.exists():
                return
            partial = self.repo_path.with_name(f"{self.version}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            try:
                repo = Repo.init(partial, mkdir=True)
                with self.hook.configure_hook_env() if self.hook else nullcontext():
                    environment = dict(self.hook.env) if self.hook else {}
                    with repo.git.custom_environment(**environment):
                        repo.git.fetch("--depth=1", "--no-tags", "--", self.repo_url, self.version)
                repo.git.checkout("--quiet", "--detach", self.version)
                repo.close()
                # Without it, GitDagBundle takes the folder for a complete copy of the version.
                shutil.rmtree(partial / ".git")
                partial.replace(self.repo_path)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
