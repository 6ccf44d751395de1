#!/usr/bin/env bash
# cv2.imread finds no picture in a sound TIFF that lies on its side; cv2.imdecode of the same bytes reads and turns it.
#
# A TIFF of 60x40 pixels with Orientation 6 (as slit lamps and scanners write it): OpenCV 5.0.0.93 imread returns None,
# with every flag and without a message. imdecode returns the upright picture of 40x60. A square one is read by both.
set -euo pipefail
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"; "$d/v/bin/pip" install --quiet opencv-python-headless==5.0.0.93 tifffile==2026.3.3
cd "$d"
"$d/v/bin/python" - <<'P'
import cv2, numpy as np, tifffile
a = np.zeros((40, 60, 3), np.uint8)
a[:20] = (200, 90, 40)
for name, pixels in (('wide', a), ('square', a[:, :40])):
    tifffile.imwrite(f'{name}.tif', pixels, photometric='rgb', extratags=[(274, 'H', 1, 6, True)], metadata=None)
seen = {name: (cv2.imread(f'{name}.tif'), cv2.imdecode(np.fromfile(f'{name}.tif', np.uint8), 1)) for name in ('wide', 'square')}
shape = {k: [None if o is None else o.shape for o in v] for k, v in seen.items()}
print(f'OpenCV {cv2.__version__}, tifffile {tifffile.__version__}: (imread, imdecode) {shape}')
assert shape == dict(wide=[None, (60, 40, 3)], square=[(40, 40, 3)]*2), 'the behaviour has changed'
P
