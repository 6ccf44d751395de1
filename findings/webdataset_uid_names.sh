#!/usr/bin/env bash
# Photographs that are named by DICOM UIDs become one sample in webdataset.
#
# webdataset 1.0.2 takes everything before the first dot of a file name as the key of a sample, and the rest as the name
# of a field. Exports of archives name files by UID (1.2.840.113619.2.55.jpg), so all photographs of a folder share the
# key "1", and three photographs come out as one sample whose fields are called "2.840...". Nothing is raised.
set -euo pipefail
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"; "$d/v/bin/pip" install --quiet webdataset==1.0.2
cd "$d"
"$d/v/bin/python" - <<'P'
import io, tarfile
from importlib.metadata import version
import webdataset as wds
names = [f'1.2.840.113619.2.55.{i}.jpg' for i in (1, 2, 3)]
with tarfile.open('photos.tar', 'w') as t:
    for i, name in enumerate(names):
        info = tarfile.TarInfo(name)
        info.size = 4
        t.addfile(info, io.BytesIO(b'eye' + str(i).encode()))
samples = list(wds.WebDataset('photos.tar', shardshuffle=False))
print(f'webdataset {version("webdataset")}: {len(names)} photographs, {len(samples)} sample(s): {[s["__key__"] for s in samples]}')
print([k for k in samples[0] if not k.startswith('__')])
assert len(samples) == 1 and samples[0]['__key__'] == '1', 'the behaviour has changed'
P
