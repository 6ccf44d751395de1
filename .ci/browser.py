"""What a person does with the page and the docs, in a real browser (Debian's chromium through Playwright).

    python .ci/browser.py app          # dr_app: drop, read, slide, download, a broken file, twenty at once, a zip, cancel, phone width
    python .ci/browser.py docs         # every page of _docs opens without an error; search finds predict_folder
    python .ci/browser.py lab 4_train  # JupyterLab: open a notebook (default: quickstart), Run All Cells, no error, its contents listed
    SHOTS=folder python .ci/browser.py app   # keep screenshots
"""
import http.server, json, os, shutil, subprocess, sys, tempfile, threading, time, urllib.request, zipfile
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from dr_nbdev.base.work import free_port

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))
shots = Path(os.environ['SHOTS']) if os.environ.get('SHOTS') else None
CHROMIUM = next((p for p in ('chromium', 'chromium-browser', 'google-chrome') if shutil.which(p)), None)

@contextmanager
def browser(*more):
    if CHROMIUM is None: sys.exit('no chromium on this machine: apt-get install chromium')
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=shutil.which(CHROMIUM),
                              args=['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
                              '--disable-background-networking', '--disable-component-update', '--disable-sync', *more])
        try: yield b
        finally: b.close()

def shot(page, name):
    if shots: shots.mkdir(exist_ok=True, parents=True); page.screenshot(path=shots/f'{name}.png', full_page=True)

def eye(folder, name, grade, seed=1):
    from dr_nbdev.drawn.camera import Camera, encode
    from dr_nbdev.drawn.sample import fundus_sample
    (folder/name).write_bytes(encode(fundus_sample(grade, seed=seed, size=480, camera=Camera()).image, '.jpeg'))
    return folder/name

def start(page, *files):
    "Drop files and press the button"
    page.locator('#dr-files input[type=file]').set_input_files([str(f) for f in files])
    expect(page.locator('#dr-files')).to_contain_text(files[0].stem[:6], timeout=30_000)
    page.wait_for_timeout(500)
    page.locator('#dr-go').click()

def drop(page, *files):
    "Drop files and wait until they are graded: seconds from the click"
    start(page, *files)
    began = time.perf_counter()
    expect(page.locator('#dr-status')).to_contain_text(f' of {len(files)} graded', timeout=180_000)
    return time.perf_counter() - began

def app():
    from dr_nbdev.use.app import _private_folder, start_app
    with tempfile.TemporaryDirectory() as d, _private_folder() as folder, browser() as b:
        d = Path(d)
        running, url = start_app(folder, wait=False)
        page, errors = b.new_page(viewport=dict(width=1280, height=900)), []
        page.on('pageerror', lambda e: errors.append(str(e)))
        asked = []
        page.on('request', lambda r: asked.append(r.url))
        page.goto(url)
        expect(page.get_by_text('not a medical device').first).to_be_visible(timeout=30_000)

        seconds = drop(page, eye(d, 'a_left.jpeg', 3))
        expect(page.locator('.dr-card h3')).to_contain_text(' - ')
        print(f'one photograph: {seconds:.1f} s from click to grade: {page.locator(".dr-card h3").inner_text()}')
        slider, heat = page.locator('.dr-opacity').first, page.locator('.dr-heat').first
        slider.fill('10')
        assert abs(float(heat.evaluate('o => getComputedStyle(o).opacity')) - .1) < .01
        page.locator('.dr-switch input').first.uncheck()
        expect(page.locator('.dr-layer').first).to_be_hidden()
        page.locator('.dr-switch input').first.check()
        shot(page, 'app_one')
        with page.expect_download() as got: page.locator('#dr-csv').click()
        text = Path(got.value.path()).read_text()
        assert text.startswith('name,patient,eye,visit,known_from,grade,label,referable,score') and 'a_left.jpeg' in text, text[:200]
        with page.expect_download() as got: page.locator('#dr-report').click()
        assert 'not a medical device' in Path(got.value.path()).read_text()

        page.reload()
        (d/'broken.png').write_bytes(b'nothing')
        drop(page, d/'broken.png')
        expect(page.locator('.dr-bad').first).to_contain_text('is not an image')
        assert 'No DR' not in page.locator('#dr-shown').inner_text()
        shot(page, 'app_broken')

        page.reload()
        many = [eye(d, f'p{i//2}_{"left" if i % 2 else "right"}.jpeg', i % 5, seed=i) for i in range(20)]
        seconds = drop(page, *many)
        expect(page.locator('#dr-status')).to_contain_text('20 of 20 graded')
        expect(page.locator('.dr-card')).to_have_count(2)  # both eyes of the patient
        expect(page.locator('.dr-verdict')).to_contain_text('macular oedema')
        print(f'twenty photographs: {seconds:.1f} s')
        shot(page, 'app_twenty')
        page.locator('#dr-table').get_by_text('p3_left.jpeg').first.click()
        expect(page.locator('.dr-card').first).to_contain_text('p3_right.jpeg', timeout=30_000)

        page.reload()
        with zipfile.ZipFile(d/'all.zip', 'w') as z:
            for k in range(5):  # long enough to be stopped
                for f in many: z.write(f, f'eyes{k}/{f.name}')
        start(page, d/'all.zip')
        expect(page.locator('#dr-status')).to_contain_text('of 100', timeout=60_000)
        page.locator('#dr-stop').click()
        expect(page.locator('#dr-status')).to_contain_text('stopped after', timeout=30_000)
        page.wait_for_timeout(2000)
        expect(page.locator('#dr-status')).to_contain_text('stopped after')  # and stays so
        expect(page.locator('#dr-table')).to_be_visible()
        expect(page.get_by_text('Error', exact=True)).to_have_count(0)
        print(f'cancelled: {page.locator("#dr-status").inner_text().splitlines()[0]}')
        shot(page, 'app_cancelled')

        page.reload()
        page.locator('#dr-weights input').click()
        expect(page.get_by_role('option').first).to_be_visible()  # a choice of weights
        page.keyboard.press('Escape')

        phone = b.new_page(viewport=dict(width=390, height=844))
        phone.goto(url)
        phone.locator('#dr-examples button').nth(2).click()
        expect(phone.locator('#dr-status')).to_contain_text('1 of 1 graded', timeout=120_000)
        expect(phone.locator('.dr-card')).to_contain_text('drawn_2_left')
        wide = phone.evaluate('document.documentElement.scrollWidth')
        assert wide <= 400, f'{wide} pixels wide on a phone'
        shot(phone, 'app_phone')
        left = [f for f in folder.rglob('*') if f.is_file() and f.stat().st_size and f.suffix in ('.jpeg', '.png', '.jpg', '.zip')
                and 'drawn' not in f.name]
        assert not left, f'left on disk: {left}'
        page.close(); phone.close()
        for _ in range(40):
            if not list(folder.glob('session_*')): break
            time.sleep(.5)
        assert not list(folder.glob('session_*')), 'downloads are still on disk after the pages were closed'
        outside = [o for o in asked if not o.startswith(('http://127.0.0.1', 'data:', 'blob:'))]
        assert not errors, errors
        assert not outside, f'the page asked for {outside[:3]}'
        running.close()
    print('app: all well')

@contextmanager
def served(folder, headers=()):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *a, **k): super().__init__(*a, directory=str(folder), **k)
        def end_headers(self):
            for name, value in headers: self.send_header(name, value)
            super().end_headers()
        def log_message(self, *_): pass
    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_): pass # a browser that leaves early
    s = Server(('127.0.0.1', 0), Quiet)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    try: yield f'http://127.0.0.1:{s.server_port}'
    finally: s.shutdown()

def docs():
    folder = root/'_docs'
    if not (folder/'index.html').exists(): sys.exit('there are no docs yet: make docs')
    with served(folder) as url, browser() as b:
        page, errors, n = b.new_page(viewport=dict(width=1280, height=900)), [], 0
        page.on('pageerror', lambda e: errors.append(f'{page.url}: {e}'))
        page.on('console', lambda m: errors.append(f'{page.url}: {m.text}') if m.type == 'error' else None)
        # a page left early
        page.on('requestfailed', lambda r: errors.append(f'{page.url}: {r.url} failed') if 'ABORTED' not in str(r.failure) else None)
        outside = []
        page.on('request', lambda r: outside.append(r.url) if not r.url.startswith((url, 'data:', 'blob:')) else None)
        for f in sorted(folder.rglob('*.html')):
            page.goto(f'{url}/{f.relative_to(folder).as_posix()}', wait_until='load')
            n += 1
        page.goto(f'{url}/search.html?q=predict_folder')
        expect(page.locator('#search-results')).to_contain_text('predict', timeout=20_000)
        for name, width in (('docs_desktop', 1280), ('docs_phone', 390)):
            for what in ('index', 'predict', 'studies/weights'):
                page.set_viewport_size(dict(width=width, height=900))
                page.goto(f'{url}/{what}.html')
                wide = page.evaluate('document.documentElement.scrollWidth')
                assert wide <= width + 5, f'{what} is {wide} pixels wide at {width}'
                shot(page, f'{name}_{what.replace("/", "_")}')
        page.emulate_media(color_scheme='dark')
        page.goto(f'{url}/index.html'); shot(page, 'docs_dark')
        assert not errors, errors[:5]
        assert not outside, outside[:3]
        print(f'docs: {n} pages without an error; search finds predict_folder')

@contextmanager
def jupyterlab(folder):
    "A server of JupyterLab for a folder, as `make lab` starts it"
    port = free_port()
    env = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'DR_SLOW')} | dict(JUPYTER_CONFIG_DIR=f'{folder}/.config',
                                                                                          JUPYTERLAB_SETTINGS_DIR=f'{folder}/.settings')
    server = subprocess.Popen([sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', f'--ServerApp.port={port}',
                               '--IdentityProvider.token=', f'--ServerApp.root_dir={folder}',
                               '--LabApp.news_url='], env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for _ in range(120):
            try: urllib.request.urlopen(f'http://127.0.0.1:{port}/api'); break
            except OSError: time.sleep(.5)
        yield f'http://127.0.0.1:{port}'
    finally: server.terminate(); server.wait()

def lab(name='quickstart'):
    with tempfile.TemporaryDirectory() as d:
        # a notebook may export
        shutil.copytree(root, d, dirs_exist_ok=True, ignore=shutil.ignore_patterns('.*', '_*', 'weights', 'data', 'demo', 'results'))
        path = next(Path(d, 'nbs').rglob(f'{name}.ipynb'))
        nb = json.loads(path.read_text(encoding='utf-8'))
        for c in nb['cells']: c.pop('outputs', 0); c |= dict(outputs=[], execution_count=None) if c['cell_type'] == 'code' else {}
        path.write_text(json.dumps(nb), encoding='utf-8')
        with jupyterlab(d) as url, browser() as b:
            page, began = b.new_page(viewport=dict(width=1400, height=1000)), time.perf_counter()
            page.goto(f'{url}/lab/tree/{path.relative_to(d).as_posix()}')
            expect(page.locator('.jp-Notebook').first).to_be_visible(timeout=60_000)
            expect(page.locator('#jp-main-statusbar')).to_contain_text('| Idle', timeout=60_000)
            page.get_by_text('Run', exact=True).first.click()
            page.get_by_text('Run All Cells', exact=True).click()
            code = [c for c in nb['cells'] if c['cell_type'] == 'code' and ''.join(c['source']).strip()]
            n = 0
            while True: # what was run is read from the saved file: Lab draws only the cells in view
                page.wait_for_timeout(4000)
                n += 1
                shot(page, f'lab_{name}_{n:02}')
                page.keyboard.press('Control+s')
                page.wait_for_timeout(800)
                done = json.loads(path.read_text(encoding='utf-8'))
                errors = [o for c in done['cells'] for o in c.get('outputs', []) if o['output_type'] == 'error']
                assert not errors, errors[0]['evalue']
                if sum(bool(c.get('execution_count')) for c in done['cells']) == len(code): break
                assert time.perf_counter() - began < 400, 'Run All Cells did not end'
            pictures = sum('image/png' in o.get('data', {}) or 'image/jpeg' in o.get('data', {}) for c in done['cells']
                           for o in c.get('outputs', []))
            assert pictures, 'no picture was drawn'
            page.get_by_role('tab', name='Table of Contents').first.click()
            heads = [o[3:].strip() for c in nb['cells'] if c['cell_type'] == 'markdown' for o in ''.join(c['source']).splitlines()
                     if o.startswith('## ')]
            for o in heads[:3]: expect(page.locator('.jp-TableOfContents')).to_contain_text(o, timeout=20_000)
            page.wait_for_timeout(1000)
            shot(page, f'lab_{name}_contents')
            print(f'lab: {name}.ipynb, {len(code)} cells, {pictures} pictures, {len(heads)} headings in '
                  f'{time.perf_counter() - began:.0f} s, no error')

if __name__ == '__main__': dict(app=app, docs=docs, lab=lab)[sys.argv[1]](*sys.argv[2:])
