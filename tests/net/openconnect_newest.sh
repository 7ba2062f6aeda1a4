#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# openconnect_newest.sh - openconnect.sh with the newest openconnect that Debian has; see scripts/openconnect.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

OPENCONNECT=$("$here/../../scripts/openconnect.sh" | tail -1) || {
	echo "skipped: no newest openconnect, as the Debian mirror of this machine cannot be reached"
	exit 77
}
export OPENCONNECT
exec bash "$here/openconnect.sh"
