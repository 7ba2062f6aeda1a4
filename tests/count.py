#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""count.py FOLDER - adds up the JUnit files that ctest wrote there; called by run.sh.

A cmocka program counts each case; any other test counts as one. Prints what was skipped and what failed,
then 'N passed, N failed' as the last line. Exit 1 if anything failed or nothing passed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

PASSED_CASE = re.compile(r"^\[       OK \] ", re.M)
FAILED_CASES = re.compile(r"^\[  FAILED  \] (?:.*: )?(\d+) test\(s\)", re.M)


def count(case):
    """(passed, failed) of one <testcase>; a skipped one is neither."""
    output = case.findtext("system-out") or ""
    passed = len(PASSED_CASE.findall(output))
    if case.get("status") == "run":
        return max(passed, 1), 0
    failed = sum(int(n) for n in FAILED_CASES.findall(output))
    return passed, max(failed, 1)


def main():
    folder = pathlib.Path(sys.argv[1])
    passed = failed = 0
    broken = folder / "broken"
    if broken.exists():
        for preset in broken.read_text().split():
            print(f"failed: {preset}: ctest gave no result")
            failed += 1
    for file in sorted(folder.glob("*.xml")):
        for case in ET.parse(file).getroot().iter("testcase"):
            where = f"{case.get('name')} ({file.stem})"
            if case.find("skipped") is not None and case.get("status") != "fail":
                print(f"skipped: {where}: {case.find('skipped').get('message')}")
                if case.find("skipped").get("message") != "SKIP_RETURN_CODE=77":
                    failed += 1
                continue
            good, bad = count(case)
            if bad:
                print(f"failed: {where}")
            passed += good
            failed += bad
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
