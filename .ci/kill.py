"""Programs killed at random moments, and two at once: what is left must be whole, and the next run must end as if nothing had been.

    python .ci/kill.py 3               # kills of each of merge, training and prediction, and so many pairs of writers
    python .ci/kill.py 30 --seed 7
"""
import argparse, os, random, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

import pandas as pd

from dr_nbdev.drawn.archives import make_archives, make_folder
from dr_nbdev.merging.manifest import load_manifest

env = os.environ | dict(OMP_NUM_THREADS='1', DR_QUIET='1')

def start(d, command, *args):
    "A command in a folder"
    code = f'import sys; sys.argv[0] = "{command}"; from dr_nbdev.{command.replace("dr_", "")} import {command}; {command}()'
    return subprocess.Popen([sys.executable, '-c', code, *map(str, args)], cwd=d, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

def ended(p):
    "Its exit status and what it said"
    err = p.communicate(timeout=600)[1]
    return p.returncode, err

def files_in(d):
    "Files and folders below; as far as they can be listed while others rename them"
    found = set()
    try: found.update(d.rglob('*'))
    except FileNotFoundError: pass
    return found

def whole(d, command, args):
    "Run to the end, which must be a good one; seconds until the first new file, and until the end"
    before, began, first = files_in(d), time.monotonic(), None
    p = start(d, command, *args)
    while p.poll() is None:
        if first is None and files_in(d) - before: first = time.monotonic() - began
        time.sleep(.02)
    last = time.monotonic() - began
    status, err = ended(p)
    assert status == 0, err
    return min(first or last, .9*last), last

def strike(d, command, args, work, rng, reset):
    "Kill during the work; one that had ended is started anew, and killed sooner"
    first, last = work
    for _ in range(20):
        p = start(d, command, *args)
        try: p.wait(rng.uniform(first, last))
        except subprocess.TimeoutExpired: p.send_signal(signal.SIGKILL)
        status, err = ended(p)
        if status == -signal.SIGKILL: return first, last
        assert status == 0, err
        first, last = .8*first, .8*last
        reset()
    raise AssertionError(f'{command}: no kill struck')

def killed(d, command, args, result, times, rng, reset):
    "Kill at random moments of the work; every time the next run ends well, with the result of an undisturbed one"
    reset()
    work = whole(d, command, args)
    want = result()
    for _ in range(times):
        reset()
        for _ in range(2): work = strike(d, command, args, work, rng, reset)
        whole(d, command, args)
        assert result().equals(want), f'{command}: another result after a kill'
    left = sorted(str(o.relative_to(d)) for o in Path(d).rglob('.*') if not o.name.startswith('.cache'))
    print(f'{command}: {2*times} kills struck, {times} results whole; hidden files left: {left or "none"}')

def two_writers(d, command, args, result, times, rng, reset):
    "Two at once: each ends well or is refused, and the result is whole"
    reset()
    whole(d, command, args)
    want, refused = result(), 0
    for _ in range(times):
        reset()
        a = start(d, command, *args)
        time.sleep(rng.uniform(0, .4))
        found = [ended(p) for p in (a, start(d, command, *args))]
        assert sorted(s for s, _ in found) in ([0, 0], [0, 2]), found
        refused += sum('another run' in e for _, e in found)
        assert result().equals(want), f'{command}: two writers, another result'
    print(f'{command}: {times} pairs of writers, {refused} refused, all results whole')

def main(times, seed):
    rng, d = random.Random(seed), Path(tempfile.mkdtemp())
    os.environ['XDG_CACHE_HOME'] = env['XDG_CACHE_HOME'] = str(d/'.cache')
    make_archives(d/'zips', n_main=60, n_extra=60, size=96, seed=1)
    main_zip, extra = sorted((d/'zips').glob('*.zip'), key=lambda p: 'retinopathy' not in p.name)
    make_folder(d/'photos', n=30, size=400, seed=3)
    gone = lambda *names: lambda: [shutil.rmtree(d/n) if (d/n).is_dir() else (d/n).unlink(missing_ok=True) for n in names]
    merge = 'dr_data', ['-m', main_zip, '-a', extra, '-d', 'data', '--per-grade', 20], lambda: load_manifest(d/'data')
    predict = 'dr_predict', ['--folder', 'photos', '--out', 'r.csv', '--device', 'cpu'], lambda: pd.read_csv(d/'r.csv')
    train = ('dr_train', ['-d', 'data', '-s', 'runs', '-n', 'one', '--preset', 'demo', '--weights', 'none', '--size', 48, '-e', 4],
             lambda: pd.read_csv(d/'runs/one/val_scores.csv').round(5))
    for job, names in ((merge, ('data',)), (predict, ('r.csv',)), (train, ('runs',))):
        killed(d, *job, times, rng, gone(*names))
        two_writers(d, *job, times, rng, gone(*names))
    shutil.rmtree(d)

if __name__ == '__main__':
    p = argparse.ArgumentParser()
    p.add_argument('times', type=int)
    p.add_argument('--seed', type=int, default=0)
    main(**vars(p.parse_args()))
