"""The command line: `alertrouter COMMAND`. Each family of commands is a file here and registers itself on `cli.app`."""

from alertrouter.cli import act as act
from alertrouter.cli import backup as backup
from alertrouter.cli import check as check
from alertrouter.cli import demo as demo
from alertrouter.cli import diff as diff
from alertrouter.cli import doctor as doctor
from alertrouter.cli import explain as explain
from alertrouter.cli import healthcheck as healthcheck
from alertrouter.cli import history as history
from alertrouter.cli import import_ as import_
from alertrouter.cli import incidents as incidents
from alertrouter.cli import oncall as oncall
from alertrouter.cli import policies as policies
from alertrouter.cli import processes as processes
from alertrouter.cli import replay as replay
from alertrouter.cli import report as report
from alertrouter.cli import schema as schema
from alertrouter.cli import send_test as send_test
from alertrouter.cli import shadow as shadow
from alertrouter.cli import silence as silence
from alertrouter.cli import test_route as test_route
from alertrouter.cli.app import app as commands
from alertrouter.cli.panels import arrange

arrange(commands)


def main() -> None:
    """Run the command line."""
    commands()
