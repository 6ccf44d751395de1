#!/usr/bin/env bash
# Grades with a gap are renumbered by class_encode_column of Hugging Face datasets.
#
# A table of photographs holds the grades 0, 2 and 4. After class_encode_column('grade') of datasets 5.2.0 the column
# holds 0, 1 and 2: positions in the sorted list of values. The old values live on as names of the classes only. A model
# trained on the column, or a merge with a set that has all grades, takes Proliferative for Moderate. No warning is given.
set -euo pipefail
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"; "$d/v/bin/pip" install --quiet datasets==5.2.0
cd "$d"; export HF_HOME="$d/hf" HF_HUB_OFFLINE=1
"$d/v/bin/python" - <<'P'
import datasets
t = datasets.Dataset.from_dict(dict(image=['a', 'b', 'c', 'd'], grade=[0, 2, 4, 2])).class_encode_column('grade')
print(f'datasets {datasets.__version__}: grades 0, 2, 4, 2 -> {t["grade"][:]}; names {t.features["grade"].names}')
assert t['grade'][:] == [0, 1, 2, 1] and t.features['grade'].names == ['0', '2', '4'], 'the behaviour has changed'
P
