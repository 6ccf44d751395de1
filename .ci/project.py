"""Chores of the project: run notebooks and keep their outputs, check the tree, write README.md, try the wheel.

    python .ci/project.py run nbs/1_data.ipynb     # run, keep the outputs, clean, export; RUN_FLAGS=slow: slow cells too
    python .ci/project.py readme                   # README.md from nbs/index.ipynb
    python .ci/project.py lab                      # every notebook, all of its cells, in a fresh Jupyter kernel
    python .ci/project.py check                    # is everything exported, clean, without errors?
    python .ci/project.py wheel                    # build it, install it elsewhere, import every module
    python .ci/project.py base                     # the wheel without PyTorch in a clean venv: all that grades
"""
import copy, filecmp, json, multiprocessing, os, re, shutil, subprocess, sys, tempfile, venv
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from execnb.nbio import read_nb, write_nb
from execnb.shell import CaptureShell
from fastcore.xtras import working_directory
from nbdev.clean import clean_nb
from nbdev.config import get_config

import layers # beside this file

root = Path(__file__).resolve().parent.parent
nbs, lib = root/'nbs', root/'dr_nbdev'

def notebooks(): return sorted(p for p in nbs.rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)

def flags(cell): return {o.split(':')[0] for o in re.findall(r'^\s*#\|\s*(\S+)', cell.source, re.M)}

def skipped(cell):
    "Whether a run leaves this cell as it is: slow or for a GPU (unless RUN_FLAGS names the flag), never to be run, or the export"
    left = set(get_config().tst_flags.split()) - set(os.environ.get('RUN_FLAGS', '').split())
    return (cell.cell_type != 'code' or flags(cell) & left
            or re.search(r'^\s*#\|\s*eval:\s*false', cell.source, re.M) or 'nbdev_export(' in cell.source)

def run(*paths):
    "Run notebooks as `nbdev_test` does, each in a process of its own, and keep what they print and draw"
    os.environ['IN_TEST'] = '1'
    for path in paths:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn')) as pool:
            failed = pool.submit(run_one, Path(path).resolve()).result()
        print(f'{"FAILED" if failed else "ran"} {path}', flush=True)
        if failed: sys.exit(1)

def run_one(path):
    "Run one notebook and write it back; skipped cells keep the outputs they have. Did a cell fail?"
    from nbdev.export import nb_export
    if path != nbs/'index.ipynb': nb_export(path)
    nb, shell = read_nb(path), CaptureShell(path)
    sys.path.insert(0, str(root))
    for cell in nb.cells:
        if not skipped(cell): cell.outputs = [] # what no longer comes out is not to stay
    with working_directory(path.parent): shell.run_all(nb, exc_stop=False, preproc=skipped)
    failed = False
    for cell in nb.cells:
        for o in cell.get('outputs', []):
            if o.output_type == 'error':
                failed = True
                print(f'--- {path.name}\n{cell.source}\n' + '\n'.join(o.traceback[-12:]), file=sys.stderr)
    clean_nb(nb)
    write_nb(nb, path)
    return failed

def readme_text():
    "index.ipynb as GitHub reads it: no hidden cells, paths from the root"
    import nbformat
    from nbconvert import MarkdownExporter
    nb = nbformat.read(nbs/'index.ipynb', as_version=4)
    nb.cells = [c for c in nb.cells if not flags(c) & {'hide', 'default_exp', 'exporti', 'export'}]
    for c in nb.cells:
        c.metadata['transient'] = {'remove_source': bool(re.search(r'^#\|\s*echo:\s*false', c.source, re.M))}
        c.source = re.sub(r'^\s*#\|.*\n', '', c.source, flags=re.M)
    nb.metadata['language_info'] = {'name': 'python'}
    text, _ = MarkdownExporter().from_notebook_node(nb)
    text = re.sub(r'\]\(([\w/]+\.ipynb)', r'](nbs/\1', text.replace('](../', '](').replace('src="../', 'src="'))
    return re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'

RUSSIAN = {'photographs': 'снимки', 'sensitivity': 'чувствительность', 'specificity': 'специфичность', 'left open': 'без ответа',
           '(India)': '(Индия)', '(USA)': '(США)', '(China)': '(Китай)', 'one hospital (Malaysia)': 'одна больница (Малайзия)',
           ' to ': '–'}

def russian_text():
    "README.ru.md with the table of figures of README.md"
    table = next(o for o in readme_text().split('\n\n') if o.startswith('| photographs'))
    for english, word in RUSSIAN.items(): table = table.replace(english, word)
    text = (root/'README.ru.md').read_text(encoding='utf-8')
    return re.sub(r'(<!-- table -->\n).*?(<!-- /table -->)', lambda m: f'{m[1]}\n{table}\n\n{m[2]}', text, flags=re.S)

def readme():
    "Write README.md, and the table of README.ru.md"
    (root/'README.md').write_text(readme_text(), encoding='utf-8')
    (root/'README.ru.md').write_text(russian_text(), encoding='utf-8')

def unexported():
    "Modules that are not what the notebooks give"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        shutil.copytree(nbs, tmp/'nbs')
        shutil.copytree(lib, tmp/'dr_nbdev', ignore=shutil.ignore_patterns('__pycache__', 'weights'))
        shutil.copy(root/'settings.ini', tmp)
        subprocess.run([sys.executable, '-c', 'import nbdev; nbdev.nbdev_export()'], cwd=tmp, check=True)
        found = lambda o: {p.relative_to(o).as_posix() for p in o.rglob('*.py')}
        made = found(tmp/'dr_nbdev') | found(lib)
        return [o for o in sorted(made) if not (lib/o).exists() or not filecmp.cmp(tmp/'dr_nbdev'/o, lib/o, shallow=False)]

def unclean(path):
    "What is wrong with a notebook as it lies there"
    nb = read_nb(path)
    was = copy.deepcopy(nb)
    clean_nb(nb)
    errors = [o.ename for c in nb.cells for o in c.get('outputs', []) if o.output_type == 'error']
    return ([f'{path.name} holds an error output: {", ".join(errors)}'] if errors else []) + (
        [f'{path.name} is not clean: run nbdev_clean'] if nb != was else [])

def unused():
    "What is imported, defined or assigned and not used, by ruff; it formats nothing"
    out = subprocess.run([sys.executable, '-m', 'ruff', 'check', '--quiet', '--output-format', 'concise', '--select',
                          'F401,F811,F841,E9', lib], capture_output=True, text=True)
    return out.stdout.splitlines() + out.stderr.splitlines()

COLAB = '! [ -e /content ] && git clone -q --depth 1 https://github.com/dr-nbdev/dr_nbdev'

def without_start(path):
    "What a notebook with code lacks at its head: time and needs, the way to Colab, slow cells that are left out in JupyterLab"
    nb, rel = read_nb(path), path.relative_to(nbs).as_posix()
    code = [c for c in nb.cells if c.cell_type == 'code']
    if not code or rel == 'index.ipynb': return []
    head, first = nb.cells[1].source, code[0].source
    wants = {'*Takes': head, f'/blob/main/nbs/{rel})': head, COLAB: first}
    if any(flags(c) & {'slow', 'cuda'} for c in code): wants['skip_slow()'] = first
    return [f'{rel} lacks {k} in its first cells' for k, where in wants.items() if k not in where]

def check():
    "Stop with a list when modules, notebooks or README.md are not as they should be"
    wrong = [f'dr_nbdev/{o} differs from its notebook: run nbdev_export' for o in unexported()] + layers.faults() + unused()
    for p in notebooks(): wrong += unclean(p) + without_start(p)
    if (root/'README.md').read_text(encoding='utf-8') != readme_text():
        wrong.append('README.md is not what index.ipynb gives: run `make readme`')
    if (root/'README.ru.md').read_text(encoding='utf-8') != russian_text(): wrong.append('README.ru.md has an old table: run `make readme`')
    print('\n'.join(wrong) or f'{len(notebooks())} notebooks: exported, clean, no error; imports on their floors; README.md is index.ipynb')
    if wrong: sys.exit(1)

def lab(*paths):
    "Run every notebook in a fresh kernel, all of its cells, as *Run all* does in JupyterLab; their outputs are not kept"
    import time
    import nbformat
    from nbclient import NotebookClient
    for o in ('IN_TEST', 'DR_SLOW'): os.environ.pop(o, None)
    for path in map(Path, paths or notebooks()):
        nb, began = nbformat.read(path, as_version=4), time.perf_counter()
        NotebookClient(nb, timeout=300, kernel_name='python3', resources=dict(metadata=dict(path=str(path.parent)))).execute()
        left = sum('Left out: ' in o.get('text', '') for c in nb.cells for o in c.get('outputs', []))
        print(f'ran {path.resolve().relative_to(root)} in {time.perf_counter() - began:.0f} s'
              + (f', {left} slow cells left out' if left else ''), flush=True)

def build_wheel(tmp):
    "Build the wheel from the sdist, and make an empty venv beside it: the wheel"
    subprocess.run([sys.executable, '-m', 'build', '--no-isolation', '--outdir', tmp, root], check=True, stdout=subprocess.DEVNULL)
    venv.create(tmp/'venv', with_pip=True)
    return next(tmp.glob('*.whl'))

def wheel():
    "Build the wheel from the sdist, install it in a new venv beside this one's libraries, import every module from there"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        built = build_wheel(tmp)
        py = tmp/'venv/bin/python'
        site = subprocess.check_output([py, '-c', 'import site; print(site.getsitepackages()[0])'], text=True).strip()
        ours = subprocess.check_output([sys.executable, '-c', 'import site; print(site.getsitepackages()[0])'], text=True).strip()
        (Path(site)/'libraries.pth').write_text(ours + '\n')  # libraries only: an editable install is not seen through it
        subprocess.run([py, '-m', 'pip', 'uninstall', '--quiet', '--yes', 'setuptools'], check=True)  # the venv's own is too old for torch
        subprocess.run([py, '-m', 'pip', 'install', '--quiet', '--no-index', built], check=True)
        code = ('import dr_nbdev, importlib, pkgutil; print(dr_nbdev.__file__)\n'
                'for m in pkgutil.walk_packages(dr_nbdev.__path__, "dr_nbdev."): importlib.import_module(m.name); print("  imports", m.name)\n'
                'from dr_nbdev.predict import Grader; print("  loads", Grader.load().name)')
        out = subprocess.check_output([py, '-c', code], cwd=tmp, text=True)
        assert str(tmp) in out.splitlines()[0], f'the wheel was not what got imported: {out}'
        print(out)

def base():
    "Install the wheel without PyTorch in a clean venv, say how large it is, and walk through what it can do"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        built = build_wheel(tmp)
        if subprocess.run([tmp/'venv/bin/pip', 'download', '--quiet', '--no-deps', '--dest', tmp, 'tqdm'], capture_output=True).returncode:
            return print('no package index can be reached: the small installation was not tried')
        size = lambda: round(sum(p.stat().st_size for p in (tmp/'venv').rglob('*') if p.is_file() and not p.is_symlink())/1e6)
        empty = size()
        for extras in ('', '[app,serve,dicom,parquet]'):
            subprocess.run([tmp/'venv/bin/pip', 'install', '--quiet', f'{built}{extras}'], check=True)
            print(f'dr_nbdev{extras}: {size() - empty} MB')
        (tmp/'work').mkdir()
        subprocess.run([tmp/'venv/bin/python', root/'.ci/base.py'], cwd=tmp/'work', check=True)

def newest():
    "Install the wheel with the newest libraries in a clean venv; grade, merge, train the demo and evaluate there"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        built = build_wheel(tmp)
        bin = tmp/'venv/bin'
        subprocess.run([bin/'pip', 'install', '--quiet', '--upgrade', f'{built}[train,dicom,serve]'], check=True)
        call = lambda *args: subprocess.run([bin/args[0], *map(str, args[1:])], check=True, cwd=tmp, env=os.environ | dict(DR_QUIET='1'))
        call('dr_samples', '--dest', '.', '--n-main', 10, '--n-extra', 10, '--n-images', 120)
        call('dr_predict', '--folder', 'images', '--out', 'r.csv', '--patients')
        call('dr_data', '--photos', 'images', '-d', 'data')
        call('dr_train', '-d', 'data', '--preset', 'demo', '-e', 2, '-n', 'one')
        call('dr_evaluate', 'images', '--labels', 'images/labels.csv', '-m', 'weights/one', '--rounds', 20)
        call('python', '-c', 'import dr_nbdev.use.serve, dr_nbdev.photos.read, fastai.vision.all')
        call('pip', 'list', '--disable-pip-version-check')

if __name__ == '__main__':
    name, *args = sys.argv[1:]
    dict(run=run, readme=readme, check=check, wheel=wheel, lab=lab, newest=newest, base=base)[name](*args)
