#!/usr/bin/env bash
# Quadratic weighted kappa of scikit-learn depends on which grades happen to occur.
#
# A set of ten photographs on a scale of 0 to 4 has none of grade 1, neither in truth nor in the prediction. scikit-learn
# 1.9.0 squares the distance between positions in the list of classes that occur. Grade 2 becomes the neighbour of 0, so
# a confusion of 0 with 2 costs 1, not 4. No warning says so. With labels=range(5) the result is that of the definition
# (Cohen 1968: weights (i - j)^2), computed below by hand. Small sets of diabetic retinopathy often lack a grade.
set -euo pipefail
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"; "$d/v/bin/pip" install --quiet scikit-learn==1.9.0
"$d/v/bin/python" - <<'P'
import numpy as np, sklearn
from sklearn.metrics import cohen_kappa_score
truth, said = np.array([0, 0, 0, 2, 2, 3, 3, 4, 4, 0]), np.array([0, 2, 0, 2, 0, 3, 4, 4, 3, 2])
plain = cohen_kappa_score(truth, said, weights='quadratic')
fixed = cohen_kappa_score(truth, said, weights='quadratic', labels=list(range(5)))
by_hand = 1 - ((truth - said)**2).mean()/((truth[:, None] - said)**2).mean()
print(f'scikit-learn {sklearn.__version__}: {plain:.3f}; with labels {fixed:.3f}; by hand {by_hand:.3f}')
assert abs(fixed - by_hand) < 1e-9 and abs(plain - by_hand) > .05, 'the behaviour has changed'
P
