"""The lab's command line: `python -m lab COMMAND`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.errors import LabError, run_command_line

app = typer.Typer(
    help="A real Pulumi engine and a real Kubernetes node on this machine, with Airflow on top.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

StackOption = Annotated[str, typer.Option("--stack", "-s", help="The stack: its file is Pulumi.STACK.yaml.")]
ClusterOption = Annotated[
    str,
    typer.Option("--cluster", "-c", help="kind, minikube, or a context of your kubeconfig; default: the lab's node."),
]
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def build(
    everything: Annotated[bool, typer.Option("--all", help="Also the node, its images, and simulated clouds.")] = False,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="The node, simulated clouds, and a Gateway's controller.")
    ] = False,
) -> None:
    """Build the engine and a control plane, which engine tests need; only once."""
    from lab import builds

    if everything:
        builds.everything()
    if gateway:
        builds.for_gateway()
    if not (everything or gateway):
        builds.for_engine_tests()


@app.command()
def up() -> None:
    """Start the engine's tools and the node, and import the images. Safe to repeat; restarts daemons that died."""
    from lab import demo

    demo.start_lab()


@app.command()
def down() -> None:
    """Stop the node and everything on it. Built tools and images stay in the cache."""
    from lab import node

    node.down()


@app.command()
def status() -> None:
    """Show the state of the node's daemons, and which engine and plugins are used."""
    from lab import node
    from lab.engine.toolchain import toolchain

    for line in toolchain().describe():
        print(line)
    for what, state in node.status():
        print(f"{what}: {state}")


@app.command()
def logs(daemon: Annotated[str, typer.Argument(help="A daemon of the node, as `status` names it.")] = "") -> None:
    """Show the last lines of the node's logs, of one daemon or of all."""
    from lab import node

    logs_shown = False
    for log in sorted(node.log_files()):
        if daemon in ("", log.stem):
            logs_shown = True
            print(f"==> {log} <==")
            print("\n".join(log.read_text(errors="replace").splitlines()[-40:]))
    if not logs_shown:
        raise LabError(
            f"There is no log of {daemon or 'any daemon'}.", remedy="`python -m lab status` lists the daemons."
        )


@app.command()
def shell(stack: StackOption = "local") -> None:
    """Open a shell in which `pulumi` and `kubectl` use the lab."""
    raise typer.Exit(_run_in_lab(stack, [os.environ.get("SHELL", "/bin/sh")]))


@app.command(context_settings=PASSED_ON)
def pulumi(context: typer.Context, stack: StackOption = "local", cluster: ClusterOption = "") -> None:
    """Run `pulumi` on the lab's stack with all further arguments."""
    if cluster:
        from lab import own_demo

        raise typer.Exit(own_demo.pulumi(cluster, context.args))
    raise typer.Exit(_run_in_lab(stack, ["pulumi", *context.args]))


@app.command()
def preview(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file for the events of the preview.")],
    stack: StackOption = "dev",
    base: Annotated[str, typer.Option(help="The revision that is deployed before, for example HEAD^1.")] = "",
    policy_pack: Annotated[list[str] | None, typer.Option(help="A policy pack that runs with it; repeatable.")] = None,
) -> None:
    """Preview a stack on a simulated cloud, without a node, an account or a secret."""
    from lab import preview as previews

    previews.run(stack, output, base=base or None, policy_packs=policy_pack or ())


@app.command(context_settings=PASSED_ON)
def kubectl() -> None:
    """Run `kubectl` on the lab's node with all further arguments."""
    from lab import node

    # From the process's own arguments: the parser would drop the `--` of `kubectl exec`.
    arguments = sys.argv[sys.argv.index("kubectl") + 1 :]
    variables = {**os.environ, "KUBECONFIG": str(node.kubeconfig())}
    raise typer.Exit(subprocess.run([str(node.kubectl()), *arguments], check=False, env=variables).returncode)


@app.command()
def demo(
    stack: StackOption = "local",
    keep: Annotated[
        bool, typer.Option(help="Keep a stack on a simulated cloud; other stacks are always kept.")
    ] = False,
    cluster: ClusterOption = "",
) -> None:
    """Deploy a stack on the node and run the example DAGs. A stack on a simulated cloud is destroyed at the end."""
    if cluster:
        from lab import own_demo

        _require_local(stack)
        own_demo.run(cluster)
        return
    from lab import demo as demonstration

    demonstration.run(stack, keep=keep)


@app.command("demo-down")
def demo_down(stack: StackOption = "local", cluster: ClusterOption = "") -> None:
    """Destroy the stack of the demonstration and stop the node; both are removed completely."""
    if cluster:
        from lab import own_demo

        _require_local(stack)
        own_demo.end(cluster)
        return
    from lab import demo as demonstration

    demonstration.end(stack)


@app.command()
def clouds(
    calls: Annotated[int, typer.Option(min=0, help="How many of the last calls to show.")] = 0,
) -> None:
    """Show the resources in the simulated clouds, and the last API calls."""
    from lab.clouds import listing

    for line in listing.lines(calls):
        print(line)


def _require_local(stack: str) -> None:
    if stack != "local":
        raise LabError(f"STACK={stack} does not go with CLUSTER.", remedy="Leave out one of them.")


def _run_in_lab(stack: str, command: list[str]) -> int:
    from lab import demo as demonstration
    from lab import node
    from lab.stack_file import StackFile

    file = StackFile.named(stack)
    lab_stack = demonstration.lab_stack(file)
    kubectl_folder = str(node.kubectl().parent)
    variables = {
        **lab_stack.environment,
        "PATH": os.pathsep.join([lab_stack.environment["PATH"], kubectl_folder]),
        "PULUMI_STACK": file.name,
    }
    return subprocess.run(command, check=False, cwd=lab_stack.folder, env=variables).returncode


def main() -> None:
    """Run the command line."""
    run_command_line(app)
