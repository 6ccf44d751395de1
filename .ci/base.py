"""Walk through everything that the small installation can do, without PyTorch: `make base` runs it in a clean venv.

    VENV/bin/python .ci/base.py     # in an empty folder; the venv has `dr_nbdev[app,serve,dicom,parquet]` and nothing else
"""
import importlib.util, os, pkgutil, subprocess, sys, time
from importlib import import_module
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd

TRAINS = 'networks.registry networks.weights networks.export backbones train use.demo'.split() # and all of training/
bin = Path(sys.executable).parent
env = os.environ | dict(DR_QUIET='1', XDG_CACHE_HOME=str(Path('cache').absolute()), NO_PROXY='127.0.0.1')

def call(*words, fails=(0, 1)):
    "Run a command, and check its exit status; 1: some photographs have no grade"
    r = subprocess.run([bin/words[0], *map(str, words[1:])], env=env, capture_output=True, text=True)
    assert r.returncode in fails and 'Traceback' not in r.stderr, (words, r.returncode, r.stdout, r.stderr)
    return r.stdout + r.stderr

def imports():
    "Every module can be imported, or says in one sentence what it needs; none brings PyTorch"
    import dr_nbdev
    from dr_nbdev.core import DataError
    for m in pkgutil.walk_packages(dr_nbdev.__path__, 'dr_nbdev.', onerror=lambda name: None):
        name = m.name.removeprefix('dr_nbdev.')
        trains = name in TRAINS or name.split('.')[0] == 'training'
        try: import_module(m.name)
        except DataError as e:
            assert trains and 'pip install "dr_nbdev[train]"' in str(e), (name, e)
        else: assert not trains, f'{name} was to need PyTorch'
    assert not {'torch', 'fastai'} & set(sys.modules)

def dicom(folder):
    "Write a drawn eye as DICOM"
    import pydicom
    from dr_nbdev.drawn.sample import fundus_sample
    from pydicom.uid import ExplicitVRLittleEndian, OphthalmicPhotography8BitImageStorage, generate_uid
    pixels = fundus_sample(3, seed=1, size=400).image
    d = pydicom.Dataset()
    d.file_meta = pydicom.dataset.FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = OphthalmicPhotography8BitImageStorage
    d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    d.PatientID, d.Laterality, d.PhotometricInterpretation = '7', 'L', 'RGB'
    d.Rows, d.Columns, d.SamplesPerPixel, d.PlanarConfiguration = *pixels.shape[:2], 3, 0
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 8, 8, 7, 0
    d.PixelData = np.ascontiguousarray(pixels).tobytes()
    folder.mkdir()
    d.save_as(folder/'eye.dcm', enforce_file_format=True)

def answers(name, path, **send):
    "Start a program that listens, ask it once, and stop it"
    from dr_nbdev.base.work import free_port
    port = free_port()
    p = subprocess.Popen([bin/name, '--port', str(port)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(120):
            try: return urlopen(Request(f'http://127.0.0.1:{port}{path}', **send), timeout=60).read().decode()
            except OSError as e:
                if p.poll() is not None: raise AssertionError(f'{name}: {p.stderr.read()}') from None
                if hasattr(e, 'code'): raise AssertionError(f'{name}: {e.code} {e.read()}') from None
                time.sleep(.5)
        raise AssertionError(f'{name} does not answer')
    finally:
        p.terminate()
        p.wait(20)

def form(file):
    "Make the body of an upload"
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\nContent-Type: image/png\r\n\r\n'
    return dict(data=head.encode() + file.read_bytes() + b'\r\n--b--\r\n', headers={'Content-Type': 'multipart/form-data; boundary=b'})

def walk():
    for package in ('torch', 'fastai', 'torchvision'): assert importlib.util.find_spec(package) is None, f'{package} is installed'
    imports()
    call('dr_samples', '--dest', '.', '--n-main', 10, '--n-extra', 10, '--n-images', 44)
    call('dr_predict', '--folder', 'images', '--out', 'r.csv', '--patients', '--pages', '--spread')
    t = pd.read_csv('r.csv')
    assert len(t) == 44 and t.grade.count() >= 40 and t.engine.dropna().eq('onnx float32').all() and t.spread.count() == t.grade.count()
    call('dr_predict', '--folder', 'images', '--out', 'r.parquet', '--no-evidence')
    for i in (1, 2): call('dr_predict', '--folder', 'images', '--out', 's.csv', '--shard', f'{i}/2', '--no-evidence')
    call('dr_predict', '--out', 's.csv', '--gather')
    joined, whole = pd.read_csv('s.csv'), pd.read_parquet('r.parquet')
    assert joined.name.tolist() == whole.name.tolist() == t.name.tolist()
    for o in (joined, whole): assert (o.score - t.score).abs().max() < 1e-4 and o.score.count() == t.score.count()
    call('dr_evaluate', 'images', '--labels', 'images/labels.csv', '--rounds', 20)
    call('dr_check_camera', 'images')
    call('dr_calibrate', 'images', '--labels', 'images/labels.csv', '-o', 'mine', '--rounds', 20)
    call('dr_predict', '--folder', 'images', '--out', 'm.csv', '-m', 'mine', '--no-evidence')
    assert (pd.read_csv('m.csv').score - t.score).abs().max() < 1e-4
    dicom(Path('dicom'))
    call('dr_predict', '--folder', 'dicom', '--out', 'd.csv')
    assert pd.read_csv('d.csv').eye.item() == 'left'
    call('dr_data', '--photos', 'images', '-d', 'data')
    for name in ('dr_train', 'dr_demo'): assert 'pip install "dr_nbdev[train]"' in call(name, fails=(2,))
    assert 'needs torch: pip install "dr_nbdev[train]"' in call('dr_predict', '--folder', 'images', '--engine', 'torch', fails=(2,))
    (Path('mine')/'model.onnx').unlink()
    assert 'has no model.onnx' in call('dr_predict', '--folder', 'images', '-m', 'mine', fails=(2,))
    first = next(Path('images').glob('*.png'), None) or next(Path('images').glob('*.jp*g'))
    assert 'grade' in answers('dr_serve', '/grade', **form(first))
    assert 'html' in answers('dr_app', '/')
    from dr_nbdev.grading.grader import Grader
    from dr_nbdev.grading.heatmap import heatmap
    from dr_nbdev.predict import predict_folder
    assert len(predict_folder('images', evidence=False)) == 44
    grader = Grader.load()
    square = grader.preprocess(first)
    assert heatmap(grader, square).max() == 1 and np.isfinite(grader.embed([first])).all()
    assert 'torch' not in sys.modules
    print('base: grades, evaluates, calibrates, serves without PyTorch')

if __name__ == '__main__': walk()
