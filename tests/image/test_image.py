"""What the image is: small, complete, pinned, and of no use to an intruder."""

from __future__ import annotations

import re

import epicat
from support.image_lists import packages

HEAVY = ["torch", "seisbench", "obspy", "matplotlib", "duckdb", "pyrocko", "openvino_telemetry"]


def test_the_entry_point_is_epicat(worker):
    assert worker.run("--version") == f"epicat {epicat.__version__}\n"
    assert "earthquake catalog" in worker.run()


def test_it_is_small(worker):
    assert int(worker.inspect("{{.Size}}")) < 700e6


def test_it_says_what_it_is(worker):
    labels = worker.inspect("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}\n{{end}}")
    assert f"org.opencontainers.image.version={epicat.__version__}" in labels
    assert "org.opencontainers.image.licenses=MIT" in labels
    assert re.search(r"org\.opencontainers\.image\.revision=([0-9a-f]{40}|unknown)", labels)


def test_it_has_the_pinned_packages_and_no_others(worker):
    found = worker.json(
        "import json, importlib.metadata as m\n"
        "found = {d.name.lower().replace('_', '-'): d.version for d in m.distributions()}\n"
        "print(json.dumps(found))"
    )
    assert found.pop("epicat") == epicat.__version__
    assert found == packages("worker", python=worker.json("import sys; print(sys.version_info[1])"))


def test_nothing_heavy_and_no_installer_is_inside(worker):
    program = (
        "import json, importlib.util as u\n"
        f"print(json.dumps([name for name in {[*HEAVY, 'pip']} if u.find_spec(name)]))"
    )
    assert worker.json(program) == []


_WITH_EXTRAS = (
    "epicat.pick.seisbench.compile",
    "epicat.pipeline.dask",
    "epicat.plot",
    "epicat.testing.executor_contract",
    "epicat.viewer.server",
)
"""Modules that need packages which workers do not have."""


def test_every_module_of_a_worker_can_be_imported(worker):
    worker.run(
        "-c",
        "import epicat, importlib, pkgutil\n"
        "for module in pkgutil.walk_packages(epicat.__path__, 'epicat.'):\n"
        f"    if not module.name.startswith({_WITH_EXTRAS}):\n"
        "        importlib.import_module(module.name)\n",
        python=True,
    )


def test_modules_are_compiled(worker):
    stale = worker.json(
        "import json, os, sys, pandas, scipy.signal, openvino, pyarrow.parquet, epicat.cli.app\n"
        "def compiled(module):\n"
        "    with open(module.__cached__, 'rb') as file:\n"
        "        made_of = int.from_bytes(file.read(12)[8:], 'little')\n"
        "    return made_of == int(os.stat(module.__file__).st_mtime)\n"
        "ours = [m for m in list(sys.modules.values())\n"
        "        if (getattr(m, '__file__', None) or '').startswith(sys.prefix)\n"
        "        and m.__file__.endswith('.py')]\n"
        "assert len(ours) > 500\n"
        "print(json.dumps([m.__name__ for m in ours if not compiled(m)]))"
    )
    assert stale == []


def test_openvino_knows_the_cpu_alone(worker):
    program = "import json, openvino; print(json.dumps(openvino.Core().available_devices))"
    assert worker.json(program) == ["CPU"]


def test_a_container_has_no_rights_and_nothing_to_write_to_but_tmp(worker):
    found = worker.json(
        "import json, os, re, socket\n"
        "status = open('/proc/self/status').read()\n"
        "def writable(folder):\n"
        "    try:\n"
        "        open(folder + '/probe', 'w').close()\n"
        "    except OSError:\n"
        "        return False\n"
        "    return True\n"
        "folders = ['/', '/etc', '/opt/epicat', '/data', '/tmp']\n"
        "print(json.dumps({\n"
        "    'root': os.getuid() == 0,\n"
        "    'capabilities': re.search(r'CapBnd:\\s*(\\w+)', status)[1].strip('0'),\n"
        "    'privileges': re.search(r'NoNewPrivs:\\s*(\\d)', status)[1],\n"
        "    'writable': [f for f in folders if writable(f)],\n"
        "    'interfaces': [name for _, name in socket.if_nameindex()],\n"
        "}))"
    )
    assert found == {
        "root": False,
        "capabilities": "",
        "privileges": "1",
        "writable": ["/tmp"],
        "interfaces": ["lo"],
    }


def test_it_runs_as_nobody_and_no_program_lends_rights(worker):
    assert worker.inspect("{{.Config.User}}") == "10001:10001"
    program = (
        "import json, os, stat\n"
        "lending = [os.path.join(d, f) for d, _, fs in os.walk('/usr') for f in fs\n"
        "           if os.lstat(os.path.join(d, f)).st_mode & (stat.S_ISUID | stat.S_ISGID)]\n"
        "print(json.dumps(lending))"
    )
    assert worker.json(program) == []


def test_nothing_of_the_build_is_left(worker):
    variables = worker.inspect("{{range .Config.Env}}{{println .}}{{end}}").split()
    names = {variable.partition("=")[0] for variable in variables}
    of_the_base = {"PATH", "LANG", "GPG_KEY", "PYTHON_VERSION", "PYTHON_SHA256"}
    assert names - of_the_base == {"EPICAT_CACHE", "PYTHONUNBUFFERED"}
    left = worker.json(
        "import json, os\n"
        "print(json.dumps([p for p in ['/run/secrets/ca', '/build', '/package', '/root/.cache']\n"
        "                  if os.path.exists(p)]))"
    )
    assert left == []


def test_the_certificates_are_those_of_the_base(worker):
    """A build behind a proxy brings certificates of its own: they must not end up inside."""
    program = (
        "import hashlib, json, subprocess\n"
        "from pathlib import Path\n"
        "shared = Path('/usr/share/ca-certificates').rglob('*.crt')\n"
        "known = {line for p in shared for line in p.read_text().split('\\n')}\n"
        "bundle = Path('/etc/ssl/certs/ca-certificates.crt').read_text().split('\\n')\n"
        "print(json.dumps([line for line in bundle if line not in known]))"
    )
    assert worker.json(program) == []
