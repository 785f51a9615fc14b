"""The lab's command line: `python -m lab COMMAND`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from lab.errors import LabError

app = typer.Typer(
    help="A real Pulumi engine and a real Kubernetes node on this machine, with Airflow on top.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

StackOption = Annotated[str, typer.Option("--stack", "-s", help="The stack: its file is Pulumi.STACK.yaml.")]
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def build(
    everything: Annotated[bool, typer.Option("--all", help="Also the node, its images, and simulated clouds.")] = False,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="The node, simulated clouds, and what serves a Gateway.")
    ] = False,
) -> None:
    """Build the engine and a control plane, all that engine tests stand on; once."""
    from lab import builds

    if everything:
        builds.everything()
    if gateway:
        builds.for_gateway()
    if not (everything or gateway):
        builds.for_engine_tests()


@app.command()
def up() -> None:
    """Start the engine's tools and the node, and give it the images. Safe to repeat; repairs what died."""
    from lab import demo

    demo.start_lab()


@app.command()
def down() -> None:
    """End the node and all that runs on it. Built tools and images stay in the cache."""
    from lab import node

    node.down()


@app.command()
def status() -> None:
    """Say what runs, and which engine and plugins are used."""
    from lab import node
    from lab.engine.toolchain import toolchain

    for line in toolchain().describe():
        print(line)
    for what, state in node.status():
        print(f"{what}: {state}")


@app.command()
def logs(part: Annotated[str, typer.Argument(help="A part of the node, as `status` names it.")] = "") -> None:
    """Show the last lines of the node's logs, of one part or of all."""
    from lab import node

    found = False
    for log in sorted(node.log_files()):
        if part in ("", log.stem):
            found = True
            print(f"==> {log} <==")
            print("\n".join(log.read_text(errors="replace").splitlines()[-40:]))
    if not found:
        raise LabError(f"No log of {part or 'anything'}.", remedy="See `python -m lab status` for the parts.")


@app.command()
def shell(stack: StackOption = "local") -> None:
    """Open a shell in which `pulumi` and `kubectl` work on the lab."""
    raise typer.Exit(_inside(stack, [os.environ.get("SHELL", "/bin/sh")]))


@app.command(context_settings=PASSED_ON)
def pulumi(context: typer.Context, stack: StackOption = "local") -> None:
    """Run `pulumi` on the lab's stack; all further arguments are its own."""
    raise typer.Exit(_inside(stack, ["pulumi", *context.args]))


@app.command(context_settings=PASSED_ON)
def kubectl() -> None:
    """Run `kubectl` on the lab's node; all arguments are its own."""
    from lab import node

    # From the process's own arguments: the parser would swallow the `--` of `kubectl exec`.
    arguments = sys.argv[sys.argv.index("kubectl") + 1 :]
    variables = {**os.environ, "KUBECONFIG": str(node.kubeconfig())}
    raise typer.Exit(subprocess.run([str(node.kubectl()), *arguments], check=False, env=variables).returncode)


@app.command()
def demo(
    stack: StackOption = "local",
    keep: Annotated[
        bool, typer.Option(help="Leave a stack on a simulated cloud up; a local one always stays.")
    ] = False,
) -> None:
    """Bring a stack up on the node and run the example DAGs on it; one on a simulated cloud is destroyed again."""
    from lab import demo as demonstration

    demonstration.run(stack, keep=keep)


@app.command("demo-down")
def demo_down(stack: StackOption = "local") -> None:
    """Destroy the stack of the demonstration and end the node; nothing of either stays."""
    from lab import demo as demonstration

    demonstration.end(stack)


@app.command()
def clouds(
    calls: Annotated[int, typer.Option(min=0, help="How many of the last calls to show.")] = 0,
) -> None:
    """Show what the simulated clouds hold, and what was asked of them."""
    from lab.clouds import listing

    for line in listing.lines(calls):
        print(line)


@app.command()
def bench(
    executor: Annotated[list[str] | None, typer.Option(help="Which executor on the node. Repeatable.")] = None,
    image: Annotated[
        list[str] | None, typer.Option(help="The Airflow image: compiled (usual) or official-like. Repeatable.")
    ] = None,
    stack: Annotated[list[str] | None, typer.Option(help="Which stack on a simulated cloud. Repeatable.")] = None,
    runs: Annotated[int, typer.Option(min=1, max=20, help="How often each.")] = 1,
) -> None:
    """Measure Airflow on the node and stacks on simulated clouds; all of both unless told. Writes bench.json."""
    from lab import demo as demonstration
    from lab.bench import clouds, measure, report
    from lab.paths import PROJECT

    everything = not executor and not stack
    stacks = clouds.STACKS if everything else tuple(stack or ())
    executors = measure.EXECUTORS if everything else tuple(executor or ())
    chosen_images = tuple(image or ("compiled",))
    for name in chosen_images:
        if name not in measure.IMAGES:
            raise LabError(f"There is no image {name}.", remedy=f"One of: {', '.join(measure.IMAGES)}.")
    figures: list[measure.Figures] = []
    on_clouds: list[clouds.CloudFigures] = []
    try:
        # Before the node is up: a preview is measured on a quiet machine.
        for name in stacks * runs:
            on_clouds.append(clouds.measure(name))
        if executors:
            demonstration.start_lab()
            for name in chosen_images:
                measure.provide(name)
        for name in executors * runs:
            figures.extend(measure.measure(name, each) for each in chosen_images)
    finally:
        # What was measured before a failure took its minutes, and stays true.
        report.write(figures, on_clouds, PROJECT / "bench.json")
        report.show(figures)
        report.show_clouds(on_clouds)


def _inside(stack: str, command: list[str]) -> int:
    from lab import demo as demonstration
    from lab import node
    from lab.stack_file import StackFile

    file = StackFile.named(stack)
    made = demonstration.lab_stack(file)
    kubectl_folder = str(node.kubectl().parent)
    variables = {
        **made.environment,
        "PATH": os.pathsep.join([made.environment["PATH"], kubectl_folder]),
        "PULUMI_STACK": file.name,
    }
    return subprocess.run(command, check=False, cwd=made.folder, env=variables).returncode


def main() -> None:
    """Run the command line; an error for a person is one line, without a traceback."""
    try:
        app()
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
