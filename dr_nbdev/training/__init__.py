"""The workshop of training"""

from ..base.work import need

for package in ("torch", "torchvision", "fastai"): need(package, "training needs PyTorch and fastai", "train")
