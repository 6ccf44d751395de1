"""Damaged and made-up inputs, for seconds or as long as one likes: each must be read, or refused in words.

    python .ci/fuzz.py 20              # so many seconds, shared by all targets
    python .ci/fuzz.py 900 --seed 7    # other inputs
"""
import argparse, io, json, random, sys, tempfile, time, traceback, zipfile
from pathlib import Path

import cv2, numpy as np
from PIL import Image

from dr_nbdev.base.tables import read_table
from dr_nbdev.core import DRError
from dr_nbdev.drawn.archives import make_archives
from dr_nbdev.drawn.sample import fundus_sample
from dr_nbdev.grading.bundle import shipped_bundles
from dr_nbdev.grading.grader import Grader
from dr_nbdev.grading.prepare import prepare_image
from dr_nbdev.merging.archives import read_archive
from dr_nbdev.merging.labels import read_labels, read_scheme, read_truth
from dr_nbdev.photos.preprocess import Preprocess
from dr_nbdev.photos.read import read_image
from dr_nbdev.use.serve import make_service

def seeds_of_images():
    "One eye in every format, in 8 and 16 bits, small"
    eye = fundus_sample(2, size=96).image
    im, out = Image.fromarray(eye), []
    for form in ('JPEG', 'PNG', 'TIFF', 'BMP', 'WEBP', 'GIF', 'JPEG2000', 'AVIF', 'MPO'):
        f = io.BytesIO()
        im.save(f, form)
        out.append(f.getvalue())
    for ext, a in (('.png', eye.astype(np.uint16)*257), ('.tiff', eye.astype(np.uint16)*16), ('.tiff', eye.astype(np.float32)/255)):
        out.append(cv2.imencode(ext, a)[1].tobytes())
    return out

def seeds_of_tables():
    "Tables as programs write them"
    return [b'id_code,diagnosis\na,0\nb,4\n', 'image;level\n10_left;No DR\n10_right;Mild\n'.encode('utf-16'), b'"image","level"\r\n"a","1"\r\n',
            b'sep=;\nimage;level;\n a;2;\n', b',image,level\n0,a,0\n1,b,ungradable\n', 'image\tlevel\né\t3\n'.encode('cp1252')]

def damaged(data, rng):
    "Bytes changed, cut, doubled, moved"
    b = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if not b: break
        i, n = rng.randrange(len(b)), rng.choice((1, 1, 2, 4, 64))
        match rng.randrange(6):
            case 0: b[i] = rng.randrange(256)
            case 1: del b[i:i + n]
            case 2: b[i:i] = bytes(rng.randrange(256) for _ in range(n))
            case 3: b[i:i + n] = b[(j := rng.randrange(len(b))):j + n]
            case 4: b[i:i + n] = rng.choice((b'\0', b'\xff', b'\x7f', b',', b'"', b'\n', b';'))*n
            case 5: del b[i:]
    return bytes(b)

def image(data, prep=Preprocess(96, enhance='graham_grey')):
    a = read_image(data)
    assert a.dtype == np.uint8 and a.ndim == 3 and a.shape[2] == 3
    prepare_image(*prep.open(data), prep)

def table(data):
    t = read_table(io.BytesIO(data), 'fuzz.csv')
    assert len(t) and t.columns.is_unique and t.map(lambda o: isinstance(o, str)).all(axis=None)
    for f in (lambda: read_labels(io.BytesIO(data), 'fuzz.csv'), lambda: read_scheme(read_truth(io.BytesIO(data)).label)):
        try: f()
        except DRError: pass

def archive(data, folder=Path(tempfile.mkdtemp())):
    (folder/'fuzz.zip').write_bytes(data)
    a = read_archive(folder/'fuzz.zip')
    assert len(a.table) and a.table.image_id.is_unique
    a.zip.close()

def bundle(data, folder=Path(tempfile.mkdtemp())):
    (folder/'grader.json').write_bytes(data)
    Grader.load(folder, 'cpu')

def body_of(files):
    "A multipart body with these files"
    return b''.join(b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + n + b'"\r\n\r\n' + o + b'\r\n' for n, o in files) + b'--x--\r\n'

def service(data, client=[]):
    if not client:
        from fastapi.testclient import TestClient
        client.append(TestClient(make_service(Grader.load(device='cpu'))))
    r = client[0].post('/grade', content=data, headers={'content-type': 'multipart/form-data; boundary=x'})
    assert r.status_code in (200, 400, 413, 422), r.status_code
    if r.status_code != 200: raise DRError(r.text)
    assert all(o['status'] and (o['grade'] is None) == (o['score'] is None) for o in r.json())

def targets():
    "Name to function and seeds"
    d = Path(tempfile.mkdtemp())
    zips = [p.read_bytes() for p in make_archives(d, n_main=10, n_extra=10, size=32)]
    home = next(iter(shipped_bundles().values()))
    bundle.__defaults__[0].joinpath('model.safetensors').symlink_to(home/'model.safetensors')
    eyes = seeds_of_images()
    calls = [body_of([(b'1_left.jpg', o)]) for o in eyes[:3]] + [body_of([(b'a', eyes[0]), (b'b', b'nothing')])]
    return dict(service=(service, calls), image=(image, eyes), table=(table, seeds_of_tables()), archive=(archive, zips),
                bundle=(bundle, [(home/'grader.json').read_bytes()]))

def main(seconds, seed):
    rng, faults, tried = random.Random(seed), {}, {}
    every = targets()
    for name, (f, seeds) in every.items():
        end, n, read = time.monotonic() + seconds/len(every), 0, 0
        while time.monotonic() < end:
            n += 1
            data = damaged(rng.choice(seeds), rng)
            try:
                f(data)
                read += 1
            except DRError as e: assert str(e).strip()
            except Exception as e:
                where = traceback.extract_tb(e.__traceback__)[-1]
                key = f'{name}: {type(e).__name__} at {Path(where.filename).name}:{where.lineno}: {str(e)[:100]}'
                if key not in faults: print(key, data[:60])
                faults[key] = data
        tried[name] = f'{n} inputs, {read} read, {n - read} refused'
    for name, text in tried.items(): print(f'{name}: {text}')
    if faults:
        for i, (key, data) in enumerate(faults.items()): (p := Path(tempfile.gettempdir())/f'fuzz_{i}.bin').write_bytes(data); print(f'{key}: {p}')
        sys.exit(f'{len(faults)} faults')
    print('no fault')

if __name__ == '__main__':
    p = argparse.ArgumentParser()
    p.add_argument('seconds', type=float)
    p.add_argument('--seed', type=int, default=0)
    main(**vars(p.parse_args()))
