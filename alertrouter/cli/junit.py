"""Results of policy tests as JUnit XML, which every CI shows."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from alertrouter.cli.options import Opened
from alertrouter.cli.terminal import plain
from alertrouter.errors import AlertrouterError
from alertrouter.simulate.judging import TestResult


def write_junit(path: Path, results: tuple[TestResult, ...], opened: Opened) -> None:
    """Write the results to a file."""
    failed = sum(not result.passed for result in results)
    suite = ElementTree.Element(
        "testsuite", name=plain(str(opened.directory)), tests=str(len(results)), failures=str(failed)
    )
    for result in results:
        test = result.test
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=plain(str(opened.directory)),
            name=plain(test.name),
            file=plain(str(opened.directory / test.file)),
            line=str(test.line),
        )
        if not result.passed:
            what = ", ".join(difference.what for difference in result.differences)
            failure = ElementTree.SubElement(case, "failure", message=f"not as expected: {what}")
            failure.text = "\n".join(
                plain(line)
                for difference in result.differences
                for line in (
                    f"{difference.what}:",
                    *(f"  - {one}" for one in difference.expected),
                    *(f"  + {one}" for one in difference.found),
                )
            )
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    try:
        ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise AlertrouterError(f"{path}: can't be written: {error.strerror}") from None
