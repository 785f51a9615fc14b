"""A small image for probe pods: bash and perl of this machine, with their libraries."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from lab.images import pause
from lab.images.image import Image, Workbench
from lab.images.oci import Settings

NAME: Final = "lab.test/probe:1"

# Static programs resolve names with libraries of the machine, so these programs are dynamic, with their libraries.
_PROGRAMS: Final = ("/usr/bin/bash", "/usr/bin/perl", "/usr/bin/sleep", "/usr/bin/cat", "/usr/bin/id")

SERVE: Final = """
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die "listen: $!";
while (my $client = $server->accept) { print $client "served by $ENV{HOSTNAME}\\n"; close $client }
"""
"""A perl program that sends a greeting to each client of port 8080."""

ASK: Final = """
use IO::Socket::INET;
for (1 .. 50) {
    my $socket = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 2);
    if ($socket) { my $said = <$socket>; if ($said) { print $said; exit 0 } }
    select undef, undef, undef, 0.1;
}
die "$ARGV[0]:$ARGV[1] does not answer: $@\\n";
"""
"""A perl program that prints the answer of a server, retried for about five seconds."""


def archives(folder: Path) -> list[Path]:
    """The probe's archive and that of the pause container, made in `folder`."""
    made = []
    for image in (pause.IMAGE, _PROBE):
        target = folder / f"{image.title}.tar"
        image.build(target, None, None)  # type: ignore[arg-type] - neither stands on the base
        made.append(target)
    return made


def _fill(bench: Workbench) -> None:
    root = bench.tree.root
    libraries: set[str] = set()
    for program in _PROGRAMS:
        shown = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        libraries.update(re.findall(r"(/\S+) \(0x", shown))
    for path in (*_PROGRAMS, *libraries):
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for modules in Path("/usr/lib").glob("*/perl-base"):
        shutil.copytree(modules, root / modules.relative_to("/"))
    (root / "bin").symlink_to("usr/bin")


_PROBE: Final = Image(
    title="probe",
    name=NAME,
    settings=Settings(user="50000:0", entrypoint=(), command=("bash",)),
    fill=_fill,
    inputs=(Path(__file__),),
)
