#!/usr/bin/env bash
# ONNX Runtime gives the machine a number, and switching its statistics off in Python comes too late.
#
# The wheel of onnxruntime 1.32.0 for Linux writes ~/.cache/Microsoft/DeveloperTools/.onnxruntime/deviceid and a database
# of events when it is imported; no session is needed. onnxruntime.disable_telemetry_events(), the switch of its Python
# interface, can only be called after that, and the number stays. ORT_DISABLE_TELEMETRY=1 before the import leaves the
# home folder empty.
set -euo pipefail
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"; "$d/v/bin/pip" install --quiet onnxruntime==1.32.0
kept() { # what an import leaves in an empty home folder
    mkdir -p "$d/$1"
    env -u CI -u GITHUB_ACTIONS -u XDG_CACHE_HOME HOME="$d/$1" "${@:3}" "$d/v/bin/python" -c "import onnxruntime as o; $2"
    (cd "$d/$1" && find . -type f | sort | tr '\n' ' ')
}
plain=$(kept plain pass); late=$(kept late 'o.disable_telemetry_events()'); off=$(kept off pass ORT_DISABLE_TELEMETRY=1)
printf 'onnxruntime 1.32.0\nimport: %s\ndisable_telemetry_events(): %s\nORT_DISABLE_TELEMETRY=1: %s\n' "$plain" "$late" "${off:-nothing}"
case "$plain" in *deviceid*) ;; *) echo 'the behaviour has changed'; exit 1;; esac
case "$late" in *deviceid*) ;; *) echo 'the behaviour has changed'; exit 1;; esac
[ -z "$off" ] || { echo 'the behaviour has changed'; exit 1; }
