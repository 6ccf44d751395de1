"""The page that grades in the browser, in a real browser, beside Python (Debian's chromium through Playwright).

    python .ci/page.py check         # loading, requests, CSP, refused files, keyboard, phone width, 50 photographs, memory
    python .ci/page.py compare       # 40 drawn eyes, and 200 photographs below DR_DATA where it is set, by page and by Python
    KEEP=1 python .ci/page.py compare    # keep the table in nbs/use/browser/
    SHOTS=folder python .ci/page.py check
"""
import gzip, http.server, io, os, random, shutil, sys, tempfile, threading, time, zlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import expect

root = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(root), str(root/'.ci')]
from browser import browser, served, shot

from dr_nbdev.answers.whose import whose_by_name
from dr_nbdev.base.text import safe_name
from dr_nbdev.base.write import write_csv
from dr_nbdev.drawn.camera import Camera, encode, random_camera
from dr_nbdev.drawn.sample import fundus_sample
from dr_nbdev.grading.grader import Grader
from dr_nbdev.grading.results import read_result
from dr_nbdev.core import DataError
from dr_nbdev.use.browser import RUNTIMES, browser_page, fetch_runtime

KEPT = root/'nbs/use/browser/differences.csv'
READY = 'body[data-state=ready], body[data-state=broken]'

def open_page(b, url, **settings):
    "Open the page and wait until its networks are loaded; also the addresses that it asked for, and its errors"
    page, asked, errors = b.new_page(**(dict(viewport=dict(width=1280, height=900)) | settings)), [], []
    page.on('request', lambda r: asked.append(r.url))
    page.on('pageerror', lambda e: errors.append(str(e)))
    page.on('console', lambda m: errors.append(m.text) if m.type == 'error' else None)
    page.add_init_script('const W = Worker; Worker = class extends W { constructor(...a) { super(...a); if (a[1]) window.theWorker = this } }')
    page.goto(url)
    page.wait_for_selector(READY, timeout=120_000)
    return page, asked, errors

def drop(page, files, wait=300):
    "Drop files, and wait until all have a row: seconds"
    n = int(page.locator('#table tbody tr').count()) + len(files)
    began = time.perf_counter()
    page.locator('#files').set_input_files([str(f) for f in files])
    page.wait_for_selector(f'#table tbody tr:nth-child({n})', timeout=1000*wait)
    page.wait_for_selector('body[data-state=ready]', timeout=1000*wait)
    return time.perf_counter() - began

def rows(page, folder):
    "Save the table of the page, and read it as Python reads its own"
    with page.expect_download() as got: page.locator('#csv').click()
    got.value.save_as(folder/'page.csv')
    return read_result(folder/'page.csv')

# ---- the same photographs by page and by Python

def drawn_eyes(folder, n=40):
    "Draw eyes of all grades by many cameras, as JPEG and PNG of several sizes"
    files = []
    for i in range(n):
        size, camera = (300, 480, 720, 1100)[i % 4], random_camera(i) if i % 2 else Camera()
        eye = fundus_sample(i % 5, ('left', 'right')[i % 2], seed=i, size=size, camera=camera)
        f = folder/f'{100 + i//2}_{eye.eye}{(".jpeg", ".png")[i % 3 == 2]}'
        f.write_bytes(encode(eye.image, f.suffix))
        files.append(f)
    return files

def real_photographs(n=200):
    "Take photographs of all sources below DR_DATA: source and file"
    data = os.environ.get('DR_DATA')
    if not data: return []
    folders = [d for d in sorted(Path(data).iterdir()) if d.is_dir() and d.name != 'idrid_masks']
    found = {d.name: sorted(f for f in d.rglob('*') if f.suffix.lower() in ('.jpg', '.jpeg', '.png')) for d in folders}
    found = {k: v for k, v in found.items() if v}
    rng, taken = random.Random(42), []
    for i, (k, v) in enumerate(sorted(found.items(), key=lambda o: len(o[1]))): # few first: the others fill up
        share = -(-(n - len(taken))//(len(found) - i))
        taken += [(k, f) for f in rng.sample(v, min(share, len(v)))]
    return sorted(taken)

def compare():
    with tempfile.TemporaryDirectory() as d, browser() as b:
        d = Path(d)
        with served(browser_page(d/'page')) as url:
            listed = [('drawn', f) for f in drawn_eyes(d)] + real_photographs()
            copies = [shutil.copy(f, d/f'{i:03}{f.suffix.lower()}') for i, (_, f) in enumerate(listed)]
            parts, errors = [], []
            pages = [open_page(b, url) for _ in range(2)] # two at a time
            halves = np.array_split([str(f) for f in copies], 2)
            for (page, _, _), half in zip(pages, halves): page.locator('#files').set_input_files(list(half))
            for (page, _, wrong), half in zip(pages, halves):
                page.wait_for_selector(f'#table tbody tr:nth-child({len(half)})', timeout=900_000)
                parts.append(rows(page, d))
                errors += wrong
            here = pd.concat(parts, ignore_index=True)
            assert not errors, errors
        grader = Grader.load(device='cpu').use('onnx')
        there = pd.concat(grader.grade_files(copies, [f.name for f in map(Path, copies)]), ignore_index=True)
    assert here.columns.tolist() == there.columns.tolist(), set(here) ^ set(there)
    assert here.name.tolist() == there.name.tolist()
    keep = ['score', 'grade', 'status', 'referable', 'set', 'quality', 'message', 'oedema', 'oedema_p', 'exudates', 'haemorrhages']
    t = pd.concat([pd.Series([k for k, _ in listed], name='source'), there[keep].add_suffix('_python'),
                   here[keep].add_suffix('_page')], axis=1)
    t['apart'] = (t.score_page - t.score_python).abs().round(4)
    same = {k: (t[f'{k}_python'].astype(object).where(t[f'{k}_python'].notna(), '') ==
                t[f'{k}_page'].astype(object).where(t[f'{k}_page'].notna(), '')) for k in keep}
    graded = t.grade_python.notna()
    print(t.groupby('source', sort=False).agg(n=('apart', 'size'), graded=('apart', 'count'), mean=('apart', 'mean'),
                                              largest=('apart', 'max')).round(4))
    print({k: f'{v.mean():.1%}' for k, v in same.items()})
    worst = t.sort_values('apart', ascending=False).head(5)
    print(worst[['source', 'score_python', 'score_page', 'apart', 'grade_python', 'grade_page', 'quality_python', 'quality_page']])
    print(t.loc[~same['status'] | ~same['message'], ['source', 'status_python', 'status_page', 'message_python', 'message_page']].to_string())
    if os.environ.get('KEEP'):
        KEPT.parent.mkdir(exist_ok=True)
        t.to_csv(KEPT, index=False)
    assert (t.status_python == t.status_page).mean() >= .97 and (t.grade_python.isna() == t.grade_page.isna()).all()
    assert (t.apart[graded] <= .05).mean() >= .95 and t.apart[graded].max() <= .15
    assert same['grade'][graded].mean() >= .97
    print('compare: all well')

# ---- what a person and a clinic ask

def refused_files(folder):
    "Make files that must get no grade: file to what has to be said; None: what Python says"
    eye = fundus_sample(3, seed=1, size=480, camera=Camera()).image
    jpeg, png = encode(eye, '.jpeg'), encode(eye, '.png')
    def saved(a, kind, **k):
        Image.fromarray(a).save(f := io.BytesIO(), kind, **k)
        return f.getvalue()
    rng = np.random.default_rng(0)
    flipped = bytearray(png); flipped[len(png)//2] ^= 255
    huge = bytearray(saved(eye[:20, :20], 'PNG'))
    huge[16:24] = (20_000).to_bytes(4, 'big')*2
    huge[29:33] = zlib.crc32(bytes(huge[12:29])).to_bytes(4, 'big')
    many, pair = io.BytesIO(), io.BytesIO()
    Image.fromarray(eye).save(many, 'WEBP', save_all=True, append_images=[Image.fromarray(eye[::-1])])
    Image.fromarray(eye).save(pair, 'MPO', save_all=True, append_images=[Image.fromarray(eye[:150, :150])])
    (words := PngInfo()).add_text('Comment', 'no sum')
    note = bytearray(saved(eye, 'PNG', pnginfo=words))
    note[note.index(b'no sum')] ^= 1
    six, xmp = Image.Exif(), b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    six[0x112] = 6
    made = {
        'empty.jpeg': (b'', 'is empty (0 bytes)'), 'text.jpeg': (b'no picture at all', 'has no known format'),
        'short.jpeg': (jpeg[:len(jpeg)//2], 'damaged or cut short'), 'short.png': (png[:-9000], 'damaged or cut short'),
        'flipped.png': (bytes(flipped), 'damaged or cut short'), 'huge.png': (bytes(huge), 'is too large'),
        'tiny.png': (saved(eye[:12, :12], 'PNG'), 'too small to be graded'), 'scan.tif': (saved(eye, 'TIFF'), 'dr_predict grades it'),
        'eye.dcm': (bytes(128) + b'DICM' + bytes(200), 'pip install "dr_nbdev[dicom]"'), 'old.gif': (saved(eye, 'GIF'), 'is GIF'),
        'deep.png': (saved(rng.integers(0, 65535, (100, 100), dtype=np.uint16), 'PNG'), '16 bits a channel'),
        'print.jpeg': (saved(eye, 'JPEG') and cmyk(eye), 'four colours'), 'two.webp': (many.getvalue(), 'holds several pictures'),
        'pair.jpeg': (pair.getvalue(), 'holds several pictures'), 'note.png': (bytes(note), 'damaged or cut short'),
        'turned.png': (saved(eye, 'PNG', exif=six), 'is turned by a tag'), 'turned.webp': (saved(eye, 'WEBP', exif=six), 'is turned by a tag'),
        'turned_xmp.jpeg': (saved(eye, 'JPEG', xmp=xmp), 'is turned by a tag'), 'turned_xmp.webp': (saved(eye, 'WEBP', xmp=xmp), 'is turned by a tag'),
        'noise.png': (saved(rng.integers(0, 255, (300, 300, 3), dtype=np.uint8), 'PNG'), None),
        'black.png': (saved(np.zeros((300, 300, 3), np.uint8), 'PNG'), None),
        'white.png': (saved(np.full((300, 300, 3), 255, np.uint8), 'PNG'), None),
        'grey.png': (saved(np.repeat(eye.mean(2, keepdims=True), 3, 2).astype(np.uint8), 'PNG'), None),
        'strip.png': (saved(np.full((20, 300, 3), 90, np.uint8), 'PNG'), None),
        'two.png': (saved(np.hstack([eye, eye]), 'PNG'), None)}
    for name, (data, _) in made.items(): (folder/name).write_bytes(data)
    return {folder/name: words for name, (_, words) in made.items()}

def cmyk(a):
    Image.fromarray(a).convert('CMYK').save(f := io.BytesIO(), 'JPEG')
    return f.getvalue()

def odd_files(folder):
    "Make photographs that a browser is tempted to change: turned by a tag, with a colour profile, with transparency"
    eye = Image.fromarray(fundus_sample(3, 'left', seed=4, size=900, camera=Camera(notch='round')).image)
    exif = Image.Exif()
    exif[0x112] = 6
    eye.transpose(Image.Transpose.ROTATE_90).save(folder/'turned.jpeg', exif=exif, quality=95)
    eye.save(folder/'plain.jpeg', quality=95)
    eye.save(folder/'profile.jpeg', quality=95, icc_profile=wide_profile())
    clear = eye.convert('RGBA')
    clear.putalpha(Image.fromarray((np.asarray(eye).max(2) > 20).astype(np.uint8)*255))
    clear.save(folder/'clear.png')
    exif[0x112] = 1 # counts more than XMP
    eye.save(folder/'upright.jpeg', quality=95, exif=exif, xmp=b'<x:xmpmeta><a tiff:Orientation="6"/></x:xmpmeta>')
    eye.save(folder/'rgb.jpeg', quality=95, keep_rgb=True, progressive=True)
    eye.resize((2000, 2000)).save(folder/'halved.png')
    return [folder/o for o in ('plain.jpeg', 'turned.jpeg', 'profile.jpeg', 'clear.png', 'upright.jpeg', 'rgb.jpeg', 'halved.png')]

def wide_profile():
    "Make a colour profile whose red and green lie apart from those of sRGB: sRGB with both columns exchanged"
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes())
    n = int.from_bytes(data[128:132], 'big')
    for i in range(n):
        at = 132 + 12*i
        if data[at:at + 4] in (b'rXYZ', b'gXYZ'): data[at:at + 4] = b'gXYZ' if data[at:at + 4] == b'rXYZ' else b'rXYZ'
    return bytes(data)

def memory():
    "Memory of all processes of Chromium that draw pages, bytes"
    total = 0
    for p in Path('/proc').glob('[0-9]*'):
        try:
            if b'--type=renderer' in (p/'cmdline').read_bytes():
                total += int((p/'statm').read_text().split()[1])*os.sysconf('SC_PAGE_SIZE')
        except OSError: pass
    return total

ODD_NAMES = [
    '<img src=x onerror=document.title=0>.jpg', '"it\'s".jpg', 'a\nb_left.jpg', 'x'*600 + '_left.jpg', 'عين_left.jpg', '\u202egpj.12_left',
    'OD_12.jpg', '..', '..jpg', '.jpg', '=1+1.jpg', '+7_left.jpg', '@SUM(A1).jpg', '\u2003=1.jpg', '\ufeff=1_left.jpg', 'a,b.jpg', 'a;b.jpg',
    'Mu\u0308ller_left.jpg', '٠٠٠_left.jpg', '000_left.jpg', '１２\u3000OD.png', 'ANON_left.jpg', 'patient 7.od.jpg', '5\x1cleft.jpg',
    'left_right.jpg', '_left.jpg', '__proto__', 'toString_left.jpg', 'C:\\x\\9_left.jpg', '12_left .jpg', 'same.jpg', 'same.jpg', 'same.jpg (2)']

def check_names(page, folder):
    "Patient and eye by the name, the table, and the page itself under odd names"
    page.locator('#files').set_input_files([dict(name=o, mimeType='image/jpeg', buffer=b'') for o in ODD_NAMES])
    expect(page.locator('#table tbody tr')).to_have_count(len(ODD_NAMES), timeout=60_000)
    t = rows(page, folder)
    write_csv(t, folder/'python.csv')
    assert (folder/'page.csv').read_bytes() == (folder/'python.csv').read_bytes(), 'the table differs from that of write_csv'
    assert t.name.is_unique and t.name.tolist()[:-2] == [safe_name(o) for o in ODD_NAMES[:-2]], t.name.tolist()
    who = [whose_by_name(o) for o in t.name]
    for k in ('patient', 'eye', 'known_from'):
        differ = [o for o in zip(t.name, t[k].fillna(''), (getattr(w, k) for w in who)) if o[1] != o[2]]
        assert not differ, differ
    page.locator('#table tbody button').nth(3).click() # the long one
    assert page.locator('#table img').count() == 0 and page.title() != '0'
    assert page.evaluate('() => document.documentElement.scrollWidth <= innerWidth'), 'a long name makes the page wide'
    page.locator('#clear').click()
    print(f'{len(ODD_NAMES)} odd names: patient, eye and table as in Python')

def check_hands(page, eye, folder):
    "What hands do meanwhile: a file taken away, the focus in the table, a mark switched off, Stop, Remove all, again"
    files = [shutil.copy(eye, folder/f'hand_{i}.jpeg') for i in range(9)]
    page.locator('#clear').click()
    page.locator('#files').set_input_files([str(f) for f in files])
    files[-1].unlink()
    expect(page.locator('#table tbody tr')).to_have_count(2, timeout=60_000)
    button = page.locator('#table tbody button').nth(1)
    button.focus()
    expect(page.locator('#table tbody tr')).to_have_count(5, timeout=60_000)
    expect(button).to_be_focused()
    page.keyboard.press('Enter')
    expect(page.locator('.dr-card')).to_be_focused()
    expect(page.locator('tr[aria-current]')).to_contain_text('hand_1')
    expect(page.locator('#table tbody tr')).to_have_count(9, timeout=60_000)
    last = rows(page, folder).iloc[-1]
    assert last.status == 'unreadable' and 'removed meanwhile' in last.message, last.message
    for button, left in (('stop', None), ('clear', 2)):
        page.locator('#files').set_input_files([str(f) for f in files[:8]])
        page.locator(f'#{button}').click()
        if left: page.locator('#files').set_input_files([str(f) for f in files[:left]])
        page.wait_for_selector('body[data-state=ready]', timeout=60_000)
        expect(page.locator('#table tbody tr')).to_have_count(left or 10)
    page.evaluate('() => { theWorker.onerror(new ErrorEvent("error")) }') # as where the memory ends
    expect(page.locator('#load-words')).to_contain_text('the work broke off')
    page.locator('#files').set_input_files([str(files[0])])
    page.locator('#load').click()
    expect(page.locator('#table tbody tr')).to_have_count(3, timeout=60_000)
    page.locator('#clear').click()
    print('a file taken away, the focus, Stop, Remove all, a worker that broke off: all well')

def check_loading(b, url, folder):
    "Progress, cancel, a damaged network, a browser without WebAssembly"
    page = b.new_page(viewport=dict(width=390, height=844))
    held = []
    page.context.route('**/lesions.onnx', lambda r: held.append(r))
    page.goto(url)
    expect(page.locator('#load-words')).to_contain_text('MB of', timeout=30_000)
    shot(page, 'page_loading')
    page.locator('#cancel').click()
    expect(page.locator('#load-words')).to_contain_text('cancelled')
    for route in held: route.abort()
    page.context.unroute('**/lesions.onnx')
    data = bytearray((folder/'lesions.onnx').read_bytes()); data[5000] ^= 1
    page.context.route('**/lesions.onnx', lambda r: r.fulfill(body=bytes(data)))
    page.locator('#load').click()
    expect(page.locator('#load-words')).to_contain_text('lesions.onnx is damaged', timeout=60_000)
    expect(page.locator('#dropping')).to_be_hidden()
    page.context.unroute('**/lesions.onnx')
    page.locator('#load').click()
    expect(page.locator('#load-words')).to_contain_text('You can cut the network now', timeout=60_000)
    page.goto(f'file://{folder}/index.html') # no server
    expect(page.locator('#load-words')).to_contain_text('has to come from a web server')
    page.close()
    print('loading: shown, cancelled, a damaged network refused, loaded again')

def check_private(page, asked, url):
    "Nothing is asked after loading, no other host can be asked, nothing is stored"
    hits = []
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self): hits.append(self.path); self.send_response(200); self.end_headers()
        def log_message(self, *_): pass
    other = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Other)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    try_fetch = f"fetch('http://127.0.0.1:{other.server_port}/leak', {{mode: 'no-cors'}}).then(() => 'open', () => 'blocked')"
    assert page.evaluate(f'() => {try_fetch}') == 'blocked'
    in_worker = f"""() => new Promise(done => {{
      const w = new Worker(URL.createObjectURL(new Blob([`{try_fetch}.then(postMessage)`], {{type: 'text/javascript'}})))
      w.onmessage = e => done(e.data); w.onerror = e => done(e.message) }})"""
    assert page.evaluate(in_worker) == 'blocked' and not hits
    other.shutdown()
    kept = """async () => [localStorage.length, sessionStorage.length, document.cookie.length,
      (await indexedDB.databases()).length, (await navigator.serviceWorker.getRegistrations()).length]"""
    assert page.evaluate(kept) == [0]*5
    outside = [o for o in asked if not o.startswith((url, f'blob:{url}'))]
    assert not outside, outside

def check():
    with tempfile.TemporaryDirectory() as d, browser() as b:
        d, grader = Path(d), Grader.load(device='cpu').use('onnx')
        folder = browser_page(d/'page')
        packed = {f.name: len(gzip.compress(f.read_bytes(), 6)) for f in folder.rglob('*') if f.is_file()}
        weight = {k: sum(packed.values()) - sum(packed[o] for n, pair in RUNTIMES.items() if n != k for o in pair) for k in RUNTIMES}
        print('weight of the page, compressed: ' + ', '.join(f'{v/1e6:.1f} MB with {k}' for k, v in weight.items()))
        assert max(weight.values()) < 20e6, weight
        with served(folder) as url:
            check_loading(b, url, folder)
            page, asked, errors = open_page(b, url)
            loaded = len(asked)
            page.context.set_offline(True) # the network is cut
            eyes = drawn_eyes(d, 60)
            print(f'first grade: {drop(page, eyes[2:3]):.1f} s after the drop (720 pixels)')
            expect(page.locator('.dr-card h3')).to_contain_text(' - ')
            large = d/'camera.jpeg'
            eye = Image.fromarray(fundus_sample(2, seed=3, size=1200, camera=Camera()).image).resize((4752, 3168), 3)
            eye.save(large, quality=92)
            print(f'15 megapixels: {drop(page, [large]):.1f} s')
            page.locator('#table').get_by_role('button', name=eyes[2].name).click()
            expect(page.locator('.dr-card')).to_be_focused()
            shot(page, 'page_one')
            drop(page, [eyes[3]]) # the other eye of the patient
            expect(page.locator('.dr-card')).to_have_count(2)
            shot(page, 'page_both')
            page.locator('.dr-switch input').first.uncheck()
            expect(page.locator('.dr-layer').first).to_be_hidden()
            page.locator('#examples button').nth(2).click()
            expect(page.locator('#table tbody')).to_contain_text('drawn_2_left.jpeg', timeout=30_000)
            page.wait_for_selector('body[data-state=ready]')
            page.locator('#clear').click()

            refused = refused_files(d)
            drop(page, list(refused))
            got = rows(page, d).set_index('name')
            for f, words in refused.items():
                row, python = got.loc[f.name], words or grader.predict(f).message
                assert pd.isna(row.grade) and pd.isna(row.referable) and python in row.message, (f.name, python, row.message)
            assert 'No DR' not in page.locator('#shown').inner_text()
            shot(page, 'page_refused')
            print(f'{len(refused)} files refused, each with its reason')
            page.locator('#clear').click()
            drop(page, odd := odd_files(d))
            scores = rows(page, d).score
            python = [grader.predict(f).score for f in odd]
            print(f'plain, turned, with a colour profile, transparent, two tags, RGB, large: {scores.tolist()}; '
                  f'Python {np.round(python, 4).tolist()}')
            assert np.abs(scores - python).max() < .01
            page.locator('#clear').click()
            check_names(page, d)

            page.locator('#files').set_input_files([str(f) for f in eyes[:50]])
            expect(page.locator('#table tbody tr')).to_have_count(10, timeout=120_000)
            ten = memory()
            expect(page.locator('#table tbody tr')).to_have_count(30, timeout=120_000)
            began = time.perf_counter()
            page.locator('#table tbody button').nth(4).click()
            expect(page.locator('.dr-card:focus')).to_have_count(1)
            answer = time.perf_counter() - began
            expect(page.locator('#table tbody tr')).to_have_count(50, timeout=120_000)
            page.wait_for_selector('body[data-state=ready]')
            print(f'50 photographs: {ten/1e6:.0f} MB after ten, {memory()/1e6:.0f} after all; a click answered in {answer:.2f} s')
            assert memory() < 1.25*ten and answer < 1
            assert rows(page, d).status.isin(['ok', 'low_quality', 'not_fundus']).all()
            later = [o for o in asked[loaded:] if not o.startswith('blob:')]
            assert not later, later
            print(f'{loaded} requests while loading, {len(later)} after it')
            assert not errors, errors
            page.context.set_offline(False)
            check_private(page, asked, url)
            check_hands(page, eyes[0], d)

            phone, _, errors = open_page(b, url, viewport=dict(width=390, height=844))
            phone.locator('#examples button').nth(1).focus()
            phone.keyboard.press('Enter') # by keyboard
            phone.wait_for_selector('.dr-card h3', timeout=60_000)
            wide = phone.evaluate('() => document.documentElement.scrollWidth')
            assert wide <= 400, f'{wide} pixels wide on a phone'
            shot(phone, 'page_phone')
            unnamed = phone.evaluate("""() => [...document.querySelectorAll('button, input, img, progress, [role=region]')].filter(e =>
              !(e.textContent.trim() || e.alt !== undefined && e.hasAttribute('alt') || e.ariaLabel || e.labels?.length)).length""")
            assert not unnamed, f'{unnamed} parts without a name for a screen reader'
            assert not errors, errors
        isolated = ('Cross-Origin-Opener-Policy', 'same-origin'), ('Cross-Origin-Embedder-Policy', 'require-corp')
        with served(folder, isolated) as url:
            page, _, errors = open_page(b, url)
            print(f'with threads, where the server isolates the page: {drop(page, eyes[2:3]):.1f} s')
            if page.evaluate('() => navigator.hardwareConcurrency') > 1: expect(page.locator('#load-words')).to_contain_text('threads')
            assert not errors, errors
    print('page: all well')

if __name__ == '__main__':
    try: fetch_runtime()
    except DataError as e: sys.exit(print(f'{e}: the page is not tested'))
    dict(compare=compare, check=check)[sys.argv[1]]()
