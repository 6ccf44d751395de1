__version__ = "0.3.0"

from dr_nbdev.base import moved

moved.install() # names of version 0.2 answer from their new place

def __getattr__(name): return moved.face(name) # Grader, predict_folder, merge, train, evaluate, Preprocess
