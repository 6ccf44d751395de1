"""The service under load: callers at once, hostile uploads, memory, a stop in the middle of calls.

    python .ci/load.py                                # drawn eyes, 2000 calls for the memory: some minutes
    python .ci/load.py --calls 100 --photos FOLDER    # fewer calls, own photographs
"""
import argparse, io, os, signal, socket, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import httpx, numpy as np, pandas as pd
from PIL import Image

from dr_nbdev.base.files import image_files
from dr_nbdev.base.work import free_port
from dr_nbdev.drawn.archives import make_folder

def start(*args):
    "The service, ready to answer: the process and its address"
    port = free_port()
    code = 'import sys; sys.argv[0] = "dr_serve"; from dr_nbdev.use.serve import dr_serve; dr_serve()'
    p = subprocess.Popen([sys.executable, '-c', code, '--port', str(port), '--device', 'cpu', *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f'http://127.0.0.1:{port}'
    for _ in range(300):
        try: return p, url if httpx.get(f'{url}/health').status_code == 200 else None
        except httpx.HTTPError: time.sleep(.2)
    sys.exit('the service does not start')

def memory(p): return int(next(o for o in Path(f'/proc/{p.pid}/status').read_text().splitlines() if o.startswith('VmRSS')).split()[1])/1024

def ask(url, files, n, callers):
    "n calls from so many callers: seconds each took"
    def one(f, client):
        began = time.perf_counter()
        r = client.post(f'{url}/grade', files=dict(file=(f.name, f.read_bytes())), timeout=120)
        assert r.status_code == 200 and len(r.json()) == 1, r.text
        return time.perf_counter() - began
    with httpx.Client(limits=httpx.Limits(max_connections=callers)) as client, ThreadPoolExecutor(callers) as pool:
        return list(pool.map(lambda f: one(f, client), islice(cycle(files), n)))

def hostile(url):
    "What nobody should send; each is refused, or gets a row without a grade, and the service stays up"
    bomb = io.BytesIO()
    Image.new('1', (20_000, 10_000)).save(bomb, 'PNG')
    post = lambda **k: httpx.post(f'{url}/grade', timeout=90, **k)
    said = dict(text=post(content=b'hello').status_code, no_field=post(data=dict(x='1')).status_code, empty=post(files=dict(file=('a.jpg', b''))).json()[0]['status'],
                bomb=post(files=dict(file=('a.png', bomb.getvalue()))).json()[0]['message'][:40],
                name=post(files=dict(file=('../../etc/passwd\n', b'x'))).json()[0]['name'],
                many=post(files=[('file', ('a', b'x'))]*200).status_code, cut=post(content=b'--x\r\nContent-Disp', headers={'content-type': 'multipart/form-data; boundary=x'}).status_code)
    host, port = url.removeprefix('http://').split(':')
    with socket.create_connection((host, int(port))) as s:
        s.sendall(b'POST /grade HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n')
        said['huge'] = s.recv(100).split(b'\r\n')[0].decode()
    with socket.create_connection((host, int(port))) as s: s.sendall(b'POST /grade HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n') # and hangs up
    assert said['empty'] == 'unreadable' and said['many'] == 413 and '413' in said['huge'] and httpx.get(f'{url}/health').status_code == 200, said
    return said

def stopped_in_the_middle(files):
    "A stop while calls wait: each that was let in is answered"
    p, url = start()
    ask(url, files, 2, 1)
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(httpx.post, f'{url}/grade', files=[('file', (f.name, f.read_bytes()))]*8, timeout=120) for f in islice(cycle(files), 16)]
        while httpx.get(f'{url}/health').json()['calls'] < 16: time.sleep(.02)
        p.send_signal(signal.SIGTERM)
        answered = [o.result() for o in asked if not o.exception()]
    assert p.wait(60) == 0
    assert len(answered) == 16 and all(o.status_code == 200 and all(r['grade'] is not None for r in o.json()) for o in answered), answered
    return f'{len(answered)} of 16 calls answered after SIGTERM, exit status {p.returncode}'

def main(calls, photos, out):
    with tempfile.TemporaryDirectory() as d:
        if not photos: make_folder(Path(d)/'eyes', n=24, size=480, seed=1)
        files, rows = image_files(photos or Path(d)/'eyes')[:200], []
        p, url = start()
        ask(url, files, 20, 4)
        for callers in (1, 8, 32):
            n, began = max(20, calls//(10 if callers == 1 else 4)), time.perf_counter()
            took = 1000*np.array(ask(url, files, n, callers))
            rows.append(dict(callers=callers, calls=n, per_second=round(n/(time.perf_counter() - began), 1), p50_ms=round(np.median(took)),
                             p95_ms=round(np.percentile(took, 95))))
        print((t := pd.DataFrame(rows)).to_string(index=False))
        if out: t.to_csv(out, index=False)
        print('hostile:', hostile(url))
        before, at = memory(p), []
        for _ in range(4):
            ask(url, files, calls//4, 8)
            at.append(round(memory(p)))
        print(f'memory, MB: {before:.0f} before, {at} in the course of {calls} calls')
        assert at[-1] < at[0] + 60, 'memory grows'
        p.send_signal(signal.SIGTERM)
        p.wait(30)
        print(stopped_in_the_middle(files))

if __name__ == '__main__':
    a = argparse.ArgumentParser()
    a.add_argument('--calls', type=int, default=2000)
    a.add_argument('--photos', type=Path)
    a.add_argument('--out', type=Path)
    main(**vars(a.parse_args()))
