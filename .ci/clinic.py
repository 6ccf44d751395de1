"""An archive of drawn studies, end to end: rate, kills, an archive that is restarted, two workers, memory of the watcher.

    python .ci/clinic.py                         # 12 studies, 5 kills, 2 restarts, 1 pair of workers; needs Orthanc
    python .ci/clinic.py --studies 60 --kills 20 --restarts 5 --pairs 3 --memory 500
    python .ci/clinic.py --maps 0                # reports alone
"""
import argparse, copy, json, os, random, shutil, signal, sqlite3, subprocess, sys, tempfile, time
from collections import Counter
from pathlib import Path

from dr_nbdev.base.work import free_port
from dr_nbdev.drawn.studies import drawn_study
from dr_nbdev.grading.dicom_report import read_report
from dr_nbdev.grading.grader import Grader
from dr_nbdev.use.archive import Archive
from dr_nbdev.use.clinic import watch
from dr_nbdev.use.ledger import Ledger
from dr_nbdev.use.one_study import Clinic
from dr_nbdev.use.orthanc import has_orthanc, local_archive

env = os.environ | dict(OMP_NUM_THREADS='1', DR_QUIET='1')
SR = '1.2.840.10008.5.1.4.1.1.88.33'
MAPS = False # Also store the maps

def fill(folder, n, size):
    "Store n studies of two drawn eyes in an archive"
    with local_archive(folder) as address:
        archive = Archive(address, {}, 30)
        for k in range(n):
            for ds in drawn_study(f'P{k:03}', right=k % 5, left=(k//5) % 5, seed=k, size=size): archive.store(ds)

def start(address, home, name, *more):
    "The command in a process"
    words = ['--dicomweb', address, '--device', 'cpu', '--ledger', str(home/f'{name}.sqlite'), '--patience', '60', *['--maps']*MAPS, *more]
    code = 'import sys; sys.argv[0] = "dr_clinic"; from dr_nbdev.use.clinic import dr_clinic; dr_clinic()'
    return subprocess.Popen([sys.executable, '-c', code, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

def check(address, n):
    "Each study has exactly one valid report"
    archive, dump = Archive(address, {}, 30), shutil.which('dsrdump')
    studies = archive.studies()
    assert len(studies) == n, len(studies)
    for o in studies:
        found = archive.instances(o.study)
        reports = [i for i in found if i.sop_class == SR]
        assert len(reports) == 1, f'{len(reports)} reports of a study'
        kinds = Counter(i.modality for i in found)
        assert kinds['SEG'] == kinds['OT'] == kinds['OP']*MAPS, kinds
        ds = archive.fetch(o.study, reports[0])
        said = read_report(ds)
        assert set(said) == {'right eye', 'left eye', 'patient'} and ds.PatientID == o.patient
        if not dump: continue
        with tempfile.TemporaryDirectory() as d:
            ds.save_as(Path(d)/'a.dcm')
            told = subprocess.run([dump, Path(d)/'a.dcm'], capture_output=True, text=True)
        assert told.returncode == 0 and not any(line.startswith('E:') for line in told.stderr.splitlines()), told.stderr

def fresh(full, home):
    "A copy of the filled archive"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(full, home/'archive')
    return home/'archive'

def took(f):
    "What a function returns, with its time on the clock and on the processor"
    clock, processor = time.monotonic(), time.process_time()
    out = f()
    return (out, time.monotonic() - clock), (out, time.process_time() - processor)

def rate(full, home, n):
    "Photographs a second, in a folder and in the archive, in one process"
    grader, photos = Grader.load(device='cpu'), home/'photos'
    with local_archive(fresh(full, home)) as address:
        archive = Archive(address, {}, 30)
        photos.mkdir()
        for o in archive.studies():
            for i in archive.instances(o.study): archive.fetch(o.study, i).save_as(photos/f'{i.instance}.dcm')
        grader.grade_folder(sorted(photos.iterdir())[:4])
        (_, folder), (_, folder_cpu) = took(lambda: grader.grade_folder(photos))
        clinic = Clinic(archive, grader, Ledger(home/'rate.sqlite'), maps=MAPS, say=lambda o: None)
        (told, archived), (_, archived_cpu) = took(clinic.run)
        assert told['new'] == n, told
        check(address, n)
    print(f'{n} studies{", with maps"*MAPS}: {2*n/archived:.2f} photographs a second through the archive, {2*n/folder:.2f} in a folder: '
          f'{folder/archived:.2f} of the rate, {folder_cpu/archived_cpu:.2f} by the time on the processor')

def finish(address, home, name):
    "Run to the end; its balance"
    p = start(address, home, name, '--once')
    out = p.communicate(timeout=900)[0]
    assert p.returncode == 0, out
    return out

def balance_of(out): return '; '.join(o for o in out.splitlines() if ' reported, ' in o or o.startswith('studies: '))

def kills(full, home, n, times, rng):
    "Killed at random moments; then one run to the end"
    struck = 0
    with local_archive(fresh(full, home)) as address:
        began = time.monotonic()
        p = start(address, home, 'kills', '--once', '--dry-run')
        p.communicate(timeout=300)
        loading = time.monotonic() - began
        while struck < times:
            p = start(address, home, 'kills', '--once')
            try: p.wait(rng.uniform(.8*loading, loading + 4))
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGKILL)
                struck += 1
            out = p.communicate()[0]
            if p.returncode == 0: # done before the kills were: everything again, by another rule
                check(address, n)
                print(f'  all reported after {struck} kills')
                break
            assert p.returncode == -signal.SIGKILL, out
        if struck < times: return struck + kills(full, home, n, times - struck, rng)
        last = finish(address, home, 'kills')
        check(address, n)
    states = Counter(o for o, in sqlite3.connect(home/'kills.sqlite').execute('SELECT state FROM reports'))
    print(f'  {balance_of(last)}; ledger: {dict(states)}')
    return struck

def restarts(full, home, n, times, rng):
    "The archive is stopped and started while the command runs"
    folder, port = fresh(full, home), free_port()
    address = f'http://127.0.0.1:{port}/dicom-web'
    p = None
    for _ in range(times):
        with local_archive(folder, port):
            p = p or start(address, home, 'restarts', '--once')
            time.sleep(rng.uniform(3, 6))
        time.sleep(rng.uniform(.2, 2))
    with local_archive(folder, port):
        out = p.communicate(timeout=900)[0]
        assert p.returncode == 0, out
        finish(address, home, 'restarts')
        check(address, n)
    print(f'{times} restarts of the archive: {sum("again in" in o for o in out.splitlines())} attempts waited, each study one report')

def pairs(full, home, n, times):
    "Two workers at once, with one ledger and with two"
    for k in range(times):
        with local_archive(fresh(full, home)) as address:
            names = ('one', 'one') if k % 2 == 0 else ('one', 'two')
            both = [start(address, home, name, '--once') for name in names]
            outs = [p.communicate(timeout=900)[0] for p in both]
            assert [p.returncode for p in both] == [0, 0], outs
            check(address, n)
            done = [int(balance_of(o).split()[0]) for o in outs]
            print(f'two workers, {"one ledger" if k % 2 == 0 else "a ledger each"}: they reported {done[0]} and {done[1]} of {n}, each study one report')

def rss(): return int(next(o for o in open('/proc/self/status') if o.startswith('VmRSS')).split()[1])/1024

def memory(home, n):
    "Memory of the watcher, while studies come"
    shutil.rmtree(home, ignore_errors=True)
    drawn, seen = [drawn_study(f'M{k}', right=k, left=4 - k, seed=k, size=256) for k in range(5)], []
    with local_archive(home/'archive') as address:
        archive, sent = Archive(address, {}, 30), 0
        clinic = Clinic(archive, Grader.load(device='cpu'), Ledger(home/'memory.sqlite'), maps=MAPS, say=lambda o: None)
        def stop():
            nonlocal sent
            seen.append((sent, round(rss())))
            for _ in range(min(n//10, n - sent)):
                for ds in copy.deepcopy(drawn[sent % 5]):
                    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = (f'{o}.{sent}' for o in (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID))
                    ds.PatientID = f'M{sent}'
                    archive.store(ds)
                sent += 1
            return sent == n and told_all()
        def told_all(): return len(clinic.ledger) == n
        watch(clinic, interval=.01, stop=stop)
    print(f'memory of the watcher (studies, MB): {seen}')

if __name__ == '__main__':
    a = argparse.ArgumentParser()
    for name, default in dict(studies=12, size=768, kills=5, restarts=2, pairs=1, memory=0, maps=1, seed=1).items():
        a.add_argument(f'--{name}', type=int, default=default)
    a = a.parse_args()
    if not has_orthanc(): sys.exit('Orthanc is not installed: apt-get install orthanc orthanc-dicomweb')
    began, rng = time.monotonic(), random.Random(a.seed)
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        fill(d/'full', a.studies, a.size)
        for MAPS in (False, True)[:1 + bool(a.maps)]: # what follows is with maps
            if a.studies: rate(d/'full', d/'home', a.studies)
        if a.kills: print(f'{kills(d/"full", d/"home", a.studies, a.kills, rng)} kills struck, each study one report')
        if a.restarts: restarts(d/'full', d/'home', a.studies, a.restarts, rng)
        if a.pairs: pairs(d/'full', d/'home', a.studies, a.pairs)
        if a.memory: memory(d/'memory', a.memory)
    print(f'{time.monotonic() - began:.0f} s')
