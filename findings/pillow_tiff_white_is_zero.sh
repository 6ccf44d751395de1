#!/usr/bin/env bash
# Pillow shows a 16-bit grey TIFF whose zero is white as a negative; the same picture in 8 bits is right.
#
# PhotometricInterpretation 0 (WhiteIsZero) with 8 bits: Pillow 12.3.0 inverts, as the tag demands. With 16 bits it
# returns the stored numbers, without a message: black becomes white. tifffile and the tag say what was meant.
set -euo pipefail
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"; "$d/v/bin/pip" install --quiet pillow==12.3.0 tifffile==2026.3.3
"$d/v/bin/python" - <<'P'
import io
import numpy as np, PIL, tifffile
from PIL import Image
seen = {}
for dtype in (np.uint8, np.uint16):
    stored = np.full((40, 40), np.iinfo(dtype).max, dtype) # the highest number: black
    stored[:20] = 0                                        # zero: white
    tifffile.imwrite(f := io.BytesIO(), stored, photometric='miniswhite', metadata=None)
    a = np.asarray(Image.open(f))
    seen[dtype.__name__] = a[0, 0].item(), a[-1, -1].item()
print(f'Pillow {PIL.__version__}: (white, black) come back as {seen}')
assert seen == dict(uint8=(255, 0), uint16=(0, 65535)), 'the behaviour has changed'
P
