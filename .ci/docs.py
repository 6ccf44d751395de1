"""The docs site from the notebooks, with what PyPI has: Sphinx, MyST-NB, Furo.

    python .ci/docs.py build     # _docs/, warnings are errors, links and anchors checked
    python .ci/docs.py serve     # http://127.0.0.1:8000
    python .ci/docs.py quarto    # do the notebooks pass what nbdev_docs does before it calls Quarto? (a part of build)
"""
import ast, copy, functools, html, http.server, os, re, shutil, subprocess, sys, tempfile, time, warnings
from pathlib import Path
from urllib.parse import unquote, urlparse

import nbformat
from execnb.nbio import read_nb
from nbdev.config import get_config

root = Path(__file__).resolve().parent.parent
nbs, site = root/'nbs', root/'_docs'
sys.path.insert(0, str(root))

# Room to its title, what it holds, and its chapters in reading order; a chapter that is not named comes last
ROOMS = {
    'photos': ('Photos', 'From a file to a square that a network can take, and is it good enough?',
               'read decode frames apart forms field preprocess quality lesions'),
    'merging': ('Merging', 'From archives and folders to one graded folder with a split',
                'config archives downloads folders labels sources target duplicates splits staging manifest report'),
    'training': ('Training', 'From a graded folder to a fitted network, with fastai',
                 'learner augment cache callbacks distributed run'),
    'grading': ('Grading', 'From weights and a photograph to a row of the table',
                 'grader prepare camera engines results evidence bundle card calibrate photo patients coded dicom_report dicom_maps fhir reports heatmap scale submission'),
    'answers': ('Answers', 'From a score to a grade, probabilities, a prediction set, a verdict', 'grades confidence copies whose verdict'),
    'metrics': ('Metrics', 'How good grades are, with intervals over patients', 'grades calibration both_eyes labelled'),
    'networks': ('Networks', 'The networks, their costs, their weights, and the file that runs anywhere', 'registry weights network export'),
    'drawn': ('Drawn eyes', 'Eyes drawn with known lesions, for examples and tests', 'sample eye vessels lesions camera archives studies'),
    'base': ('Base', 'Files, tables, pictures, commands: what every room uses', 'kinds files text tables people write show work commands repo moved')}
USES = 'own_data report check_camera your_camera evidence app browser serve clinic one_study ledger archive orthanc explain embed audit demo commands gallery reading'.split()
STUDIES = 'results weights plan recipe first_run retinamnist invariance quality quality_damage quality_others travel lesions lesion_training arrays extra_metrics one_score'.split()
GROUPS = {'Start': ['quickstart', 'use/faq', 'use/glossary'],
          'Six steps': ['data', 'eda', 'backbones', 'train', 'thresholds', 'predict'],
          'Workshops': [f'{o}/index' for o in ROOMS] + ['core'], 'Use': [f'use/{o}' for o in USES],
          'Studies and benchmarks': [f'studies/{o}' for o in STUDIES] + ['benchmarks/bench', 'benchmarks/light', 'benchmarks/gpu', 'benchmarks/baseline'],
          'About': ['readme_ru', 'model_card', 'api', 'changelog', 'contributing', 'security', 'cite']}
PAGE = 'https://dr-nbdev.github.io/dr_nbdev/try/'
FROM_ROOT = ('README.ru', 'CONTRIBUTING', 'SECURITY', 'CHANGELOG')

def page_name(path):
    "6_predict.ipynb is the page predict"
    p = Path(path)
    return (p.parent/re.sub(r'^\d+_', '', p.stem)).as_posix()

def notebooks(): return sorted(p.relative_to(nbs) for p in nbs.rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)

def chapters(room):
    "Pages of a room, in reading order"
    order = ROOMS[room][2].split()
    found = [Path(page_name(p)).name for p in notebooks() if p.parts[0] == room]
    return [f'{room}/{o}' for o in sorted(found, key=lambda o: (order.index(o) if o in order else len(order), o))]

@functools.cache
def module_pages():
    "Module to the page of its notebook"
    sources = {page_name(p): (nbs/p).read_text(encoding='utf-8') for p in notebooks()}
    return {m[1]: page for page, text in sources.items() if (m := re.search(r'#\| default_exp ([\w.]+)', text))}

@functools.cache
def symbols():
    "Short names of what the package exports, to their page and anchor; names that two modules share are left out"
    from dr_nbdev._modidx import d
    found = {}
    for module, syms in d['syms'].items():
        public = ast.literal_eval(re.search(r'^__all__ = (\[.*?\])', (root/f'{module.replace(".", "/")}.py').read_text(), re.M | re.S)[1])
        for full in syms:
            if full.removeprefix(module + '.').split('.')[0] not in public: continue
            name, page = full.removeprefix(module + '.'), module_pages()[module.removeprefix('dr_nbdev.')]
            if not name.split('.')[-1].startswith('_'): found.setdefault(name, set()).add(f'{page}.html#{anchor(name)}')
    return {k: next(iter(v)) for k, v in found.items() if len(v) == 1}

def anchor(name): return name.replace('.', '-')

def link_names(text, up):
    "Turn `names` of the package into links, outside of code blocks and links"
    def link(m):
        to = symbols().get(m[1])
        return m[0] if to is None else f'<a class="reference internal" href="{up}{to}"><code class="docutils literal">{html.escape(m[1])}</code></a>'
    parts = re.split(r'(```.*?```|\[[^\]]*\]\([^)]*\))', text, flags=re.S)
    return ''.join(o if o.startswith(('```', '[')) else re.sub(r'`([A-Za-z_][\w.]*)`', link, o) for o in parts)

def markdown(text, up):
    "Links between notebooks and to pictures as the site has them"
    text = re.sub(r'\]\(((?:\.\./|\w+/)*)(?:\d+_)?(\w+)\.ipynb', r'](\1\2.ipynb', text)
    text = re.sub(r'::: \{\.callout[^}]*\}\n## ([^\n]*)\n(.*?)\n:::', r':::{dropdown} \1\n\2\n:::', text, flags=re.S)
    text = re.sub(rf'\]\((?:\.\./)?((?:\.\./)*)({"|".join(FROM_ROOT)})\.md', lambda m: f']({m[1]}{m[2].lower().replace(".", "_")}.md', text)
    text = re.sub(rf'\]\(((?:\.\./)*)({"|".join(ROOMS)})/\)', r'](\1\2/index.md)', text)
    text = re.sub(rf'\[([^\]]*)\]\({re.escape(PAGE)}\)', rf'<a href="{up}try/index.html">\1</a>', text)
    for mark in ('](', 'src="'): text = text.replace(f'{mark}../style/', f'{mark}_style/').replace(f'{mark}../../style/', f'{mark}../_style/')
    return link_names(text, up)

def flags(source): return {o.split(':')[0] for o in re.findall(r'^\s*#\|\s*(\S+)', source, re.M)}

def plain(source): return re.sub(r'^\s*#\|.*\n?', '', source, flags=re.M).strip('\n')

def documented(node, lines, up):
    "Signature with its comments, as it stands in the source, and the docstring of a function or class"
    doc, body = ast.get_docstring(node), node.body
    name = node.name
    if isinstance(node, ast.ClassDef):
        fields = [o for o in body if isinstance(o, (ast.AnnAssign, ast.Assign))]
        head = [lines[node.lineno - 1]] + [line for o in fields for line in lines[o.lineno - 1:o.end_lineno]]
    else:
        if of := owner(node): name = f'{of}.{name}'
        first = body[0].lineno - 1
        head = lines[node.lineno - 1:first] or [lines[node.lineno - 1].split('):')[0] + '):']
    text = link_names(' '.join(doc.split()), up) if doc else ''
    code = '\n'.join(head)
    spots = [name] + [f'{name}.{o.name}' for o in body if isinstance(node, ast.ClassDef) and isinstance(o, ast.FunctionDef)]
    return ''.join(f'<span id="{anchor(o)}"></span>' for o in spots) + f'\n\n**{html.escape(name)}** {text}\n\n```python\n{code}\n```'

def folded(title, source):
    "Code to unfold"
    return nbformat.v4.new_markdown_cell(f'::::{{dropdown}} {title}\n```python\n{source}\n```\n::::')

def is_check(cell):
    "Only tests, and nothing to be seen?"
    return not cell.outputs and re.search(r'^ *(test_\w+\(|assert |with ExceptionExpected)', cell.source, re.M)

def exported(cell, up):
    "What a reader sees of an exported cell: its documentation, its code to unfold"
    source = plain(cell.source)
    tree, lines = ast.parse(source).body, source.splitlines()
    if all(isinstance(o, (ast.Import, ast.ImportFrom, ast.With)) for o in tree): return []
    public = [o for o in tree if isinstance(o, (ast.FunctionDef, ast.ClassDef)) and not o.name.startswith('_')]
    if not public:
        return [folded('Helpers', source) if len(lines) > 15 or any(isinstance(o, (ast.FunctionDef, ast.ClassDef)) for o in tree)
                else nbformat.v4.new_markdown_cell(f'```python\n{source}\n```')]
    docs = '\n\n'.join(documented(o, lines, up) for o in public)
    return [nbformat.v4.new_markdown_cell(docs), folded('Source', source)]

def alt_text(cells):
    "What the picture of a cell shows: the first sentence of the text before it"
    text = next((c.source for c in reversed(cells) if c.cell_type == 'markdown' and not c.source.startswith(('<span', '```', '::::'))), '')
    text = re.sub(r'<[^>]+>|[`*#\[\]>]|\([^)]*\)|\{[^}]*\}', '', text).strip().split('\n\n')[-1].replace('\n', ' ')
    return 'Figure. ' + re.split(r'(?<=[.:]) ', text)[0][:180].replace('"', "'")

def shown(cell, before):
    "A cell of code with its outputs, without directives"
    f, source = flags(cell.source), plain(cell.source)
    cell = copy.deepcopy(cell)
    cell.source, cell.execution_count = source, None
    cell.outputs = [o for o in cell.outputs if o.output_type != 'stream' or o.name == 'stdout']
    cell.metadata = dict(tags=['remove-input'] if 'echo' in f else [])
    if any('image/png' in o.get('data', {}) or 'image/jpeg' in o.get('data', {}) for o in cell.outputs):
        cell.metadata['mystnb'] = dict(image=dict(alt=alt_text(before)))
    for o in cell.outputs: # the text form of a table is not shown, and differs in width
        if 'text/html' in o.get('data', {}): o.data.pop('text/plain', None)
    return cell

def convert(path, dest):
    "A notebook as the site shows it"
    nb, up = nbformat.read(nbs/path, as_version=4), '../'*(len(path.parts) - 1)
    cells = []
    for c in nb.cells:
        f = flags(c.source) if c.cell_type == 'code' else set()
        if c.cell_type == 'markdown': cells.append(nbformat.v4.new_markdown_cell(markdown(c.source, up)))
        elif f & {'hide', 'default_exp', 'exporti'}: continue
        elif 'export' in f or 'exports' in f: cells += exported(c, up)
        else: cells.append(folded('Checks', plain(c.source)) if is_check(c) else shown(c, cells))
    nb.cells = cells
    for c in nb.cells: c.pop('id', None)
    nb.metadata = dict(kernelspec=dict(name='python3', display_name='Python 3', language='python'),
                       language_info=dict(name='python', pygments_lexer='ipython3'))
    nb.nbformat_minor = 4
    out = dest/f'{page_name(path)}.ipynb'
    out.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, out)
    return page_name(path)

CONF = '''
project, author, copyright = 'dr_nbdev', 'dr_nbdev maintainers', '2026 onwards, dr_nbdev maintainers'
extensions = ['myst_nb', 'sphinx_design', 'sphinx_copybutton', 'sphinx-mathjax-offline']
html_theme, html_title, html_static_path = 'furo', 'dr_nbdev {version}', ['_static']
html_css_files = ['site.css']
html_favicon = '_static/icon.png'
nb_execution_mode = 'off'
nb_merge_streams = True
nb_render_markdown_format = 'myst'
nb_mime_priority_overrides = [('html', 'text/html', 0), ('html', 'image/png', 5), ('html', 'image/jpeg', 6), ('html', 'text/markdown', 7)]
myst_enable_extensions = ['dollarmath', 'amsmath', 'colon_fence', 'html_image']
myst_heading_anchors = 4
exclude_patterns = ['_build']
html_show_sourcelink = False
copybutton_prompt_text = r'\\$ |>>> '
copybutton_prompt_is_regexp = True
'''
CSS = '''.cell_output table, .cell_output th, .cell_output td { border: 0; border-collapse: collapse } .cell_output th, .cell_output td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #8884 }
.cell_output table { font-size: .85rem; display: block; overflow-x: auto } table.docutils { display: block; overflow-x: auto; max-width: 100% }
.cell_output img, article img { max-width: 100%; height: auto } body[data-theme="dark"] .cell_output img { background: #fff; border-radius: 4px }
@media (prefers-color-scheme: dark) { body:not([data-theme="light"]) .cell_output img { background: #fff; border-radius: 4px } }
article pre { overflow-x: auto } .cell_output .dr-card { background: #fff; color: #1b1f24 }'''

def extra_pages(dest):
    "Pages that are no notebooks"
    card = next(root.glob('dr_nbdev/weights/*/MODEL_CARD.md')).read_text(encoding='utf-8')
    (dest/'model_card.md').write_text(re.sub(r'^# ', '# Model card: ', card, count=1), encoding='utf-8')
    russian = (root/'README.ru.md').read_text(encoding='utf-8').replace('# dr_nbdev\n', '# По-русски\n', 1)
    for old, new in {'](README.md)': '](index.ipynb)', '](nbs/': '](', '](style/': '](_style/', 'src="style/': 'src="_style/'}.items():
        russian = russian.replace(old, new)
    (dest/'readme_ru.md').write_text(markdown(russian, ''), encoding='utf-8')
    for name in FROM_ROOT[1:]:
        text = (root/f'{name}.md').read_text(encoding='utf-8').replace('](nbs/', '](')
        (dest/f'{name.lower()}.md').write_text(markdown(text, ''), encoding='utf-8')
    cff = (root/'CITATION.cff').read_text(encoding='utf-8')
    (dest/'cite.md').write_text(f'# How to cite\n\nIf this package was of use, please cite it, and the sources of the '
                                f'images.\n\n```yaml\n{cff}```\n', encoding='utf-8')

def room_pages(dest):
    "A page for each room: what it holds, and its chapters"
    for room, (title, about, _) in ROOMS.items():
        lines = [f'- [{{}}]({Path(o).name}.ipynb): {{}}'.format(*heading(read(o))) for o in chapters(room)]
        names = [Path(o).name for o in chapters(room)]
        (dest/room/'index.md').write_text(f'# {title}\n\n{about}.\n\n'.replace('?.', '?') + '\n'.join(lines)
                                          + '\n\n' + toctree(names), encoding='utf-8')

def toctree(entries, caption=None):
    "The directive that lists pages in the sidebar"
    return '\n'.join(['```{toctree}', ':hidden:', *([f':caption: {caption}'] if caption else []), '', *entries, '```'])

def index_page(dest):
    "The home page gets the contents"
    nb = nbformat.read(dest/'index.ipynb', as_version=4)
    for title, entries in GROUPS.items():
        there = [o for o in entries if (dest/f'{o}.ipynb').exists() or (dest/f'{o}.md').exists()]
        nb.cells.append(nbformat.v4.new_markdown_cell(toctree(there, title)))
    for c in nb.cells: c.pop('id', None)
    nbformat.write(nb, dest/'index.ipynb')

def arguments(node):
    "What a function takes, or the fields of a class; a method without its class"
    if isinstance(node, ast.FunctionDef):
        args = re.sub(r'^(self|cls)\b[^,]*(, )?', '', ast.unparse(node.args))
        return f'({args})' + (f' -> {ast.unparse(node.returns)}' if node.returns else '')
    init = next((o for o in node.body if isinstance(o, ast.FunctionDef) and o.name == '__init__'), None)
    if init: return f'({ast.unparse(init.args)})'.replace('(self, ', '(').replace('(self)', '()')
    return f'({", ".join(ast.unparse(o) for o in node.body if isinstance(o, ast.AnnAssign))})'

def owner(node):
    "The class that a patched function belongs to; None for others"
    patched = any(ast.unparse(o).split('(')[0] == 'patch' for o in getattr(node, 'decorator_list', []))
    return ast.unparse(node.args.args[0].annotation) if patched else None

@functools.cache
def api():
    "Module to its public names, in the order of its notebook: name, signature, one-line docstring"
    out = {}
    for module, page in sorted(module_pages().items()):
        tree = ast.parse((root/'dr_nbdev'/f'{module.replace(".", "/")}.py').read_text(encoding='utf-8'))
        public, found = next((ast.literal_eval(o.value) for o in tree.body if isinstance(o, ast.Assign)
                              and ast.unparse(o.targets[0]) == '__all__'), []), []
        for o in tree.body:
            if isinstance(o, (ast.FunctionDef, ast.ClassDef)):
                of = owner(o)
                if o.name.startswith('_') or not of and o.name not in public: continue
                doc = (ast.get_docstring(o) or '').split('\n')[0]
                found.append((f'{of}.{o.name}' if of else o.name, arguments(o), doc))
            elif isinstance(o, ast.Assign):
                found += [(t.id, f' = {v}' if len(v := ast.unparse(o.value)) < 60 else '', '') for t in o.targets
                          if isinstance(t, ast.Name) and t.id in public]
        if found: out[module] = found
    return out

def api_page(dest):
    "The page that lists every public name"
    lines = ['# API', '', 'Every public name of the package, by module. The same list as plain text, with signatures: <a href="api.txt">api.txt</a>.']
    for module, found in api().items():
        page = module_pages()[module]
        lines += ['', f'## dr_nbdev.{module}', '', f'[{heading(read(page))[1]}]({page}.ipynb)', '']
        lines += [f'- {link_names(f"`{name}`", "")}' + (f': {link_names(doc, "")}' if doc else '') for name, _, doc in found]
    (dest/'api.md').write_text('\n'.join(lines) + '\n', encoding='utf-8')

def api_txt():
    "The same for programs, with signatures"
    lines = ['# dr_nbdev: every public name, by module: signature, what it does. For research use, not a medical device.']
    for module, found in api().items():
        lines += ['', f'## dr_nbdev.{module}: {heading(read(module_pages()[module]))[1]}', '']
        lines += [f'{name}{args}' + (f'  # {doc}' if doc else '') for name, args, doc in found]
    return '\n'.join(lines) + '\n'

def as_text(nb):
    "A page's words, code and printed outputs, without pictures and tables of parameters"
    parts = []
    for c in nb.cells:
        if c.cell_type == 'markdown': parts.append(re.sub(r'<a class="reference[^>]*><code[^>]*>(.*?)</code></a>', r'`\1`', c.source))
        elif not flags(c.source) & {'hide', 'default_exp'}: parts.append(f'```python\n{c.source}\n```')
        texts = [o.get('text') or o.get('data', {}).get('text/plain', '') for o in c.get('outputs', [])]
        parts += [f'```\n{o.strip()}\n```' for o in texts if o.strip() and not o.startswith('<')]
    return '\n\n'.join(parts) + '\n'

def heading(nb):
    "Title and subtitle of a notebook"
    return next(m.groups() for c in nb.cells if (m := re.match(r'# (.*)\n+> (.*)', c.source)))

@functools.cache
def read(page):
    "The notebook of a page"
    return nbformat.read(nbs/next(p for p in notebooks() if page_name(p) == page), as_version=4)

def llms_txt():
    "For programs that read documentation: llms.txt lists the pages, and PAGE.html.md is each page as text (llmstxt.org)"
    lines, groups = [], {}
    for group, pages in GROUPS.items():
        if group == 'Workshops':
            groups |= {f'Workshop: {ROOMS[o][0].lower()}': chapters(o) for o in ROOMS} | {'Workshop: core': ['core']}
        elif group != 'About': groups[group] = pages
    for group, pages in groups.items():
        lines.append(f'\n## {group}\n')
        for page in pages:
            (site/f'{page}.html.md').write_text(as_text(read(page)), encoding='utf-8')
            lines.append('- [{}]({}.html.md): {}'.format(heading(read(page))[0], page, heading(read(page))[1]))
    (site/'index.html.md').write_text(as_text(read('index')), encoding='utf-8')
    (site/'api.txt').write_text(api_txt(), encoding='utf-8')
    title, about = heading(read('index'))
    head = (f'# {title}\n\n> {about}\n\nFor research use, not a medical device. Start with [the README](index.html.md). '
            'Every public name with its signature: [the API](api.txt).\n')
    (site/'llms.txt').write_text(head + '\n'.join(lines) + '\n', encoding='utf-8')

def broken_links():
    "Links and anchors of the site that lead nowhere"
    from html.parser import HTMLParser
    class Page(HTMLParser):
        def __init__(self, text):
            super().__init__()
            self.ids, self.links, self.no_alt = set(), [], 0
            self.feed(text)
        def handle_starttag(self, tag, attrs):
            a = dict(attrs)
            self.ids |= {a[k] for k in ('id', 'name') if a.get(k)}
            self.links += [a[k] for k in ('href', 'src') if a.get(k)]
            self.no_alt += tag == 'img' and not a.get('alt')
    pages = {p: Page(p.read_text(encoding='utf-8')) for p in site.rglob('*.html') if p.name not in ('genindex.html',)}
    wrong = []
    for p, page in pages.items():
        if page.no_alt: wrong.append(f'{p.relative_to(site)}: {page.no_alt} pictures have no alt text')
        for link in page.links:
            u = urlparse(link)
            if u.scheme or u.netloc: continue
            to = (p.parent/unquote(u.path)).resolve() if u.path else p
            if to.is_dir(): to = to/'index.html'
            if not to.exists(): wrong.append(f'{p.relative_to(site)} -> {link}: no such file')
            elif u.fragment and to in pages and unquote(u.fragment) not in pages[to].ids:
                wrong.append(f'{p.relative_to(site)} -> {link}: no such place')
    return len(pages), wrong

def quarto():
    "Those who have Quarto can run nbdev_docs: each notebook passes nbdev's processors, which run its imports and what it exports"
    from fastcore.xtras import working_directory
    from nbdev.processors import FilterDefaults
    os.environ['IN_TEST'] = '1'
    wrong = []
    for p in notebooks():
        with working_directory(nbs/p.parent), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            try: FilterDefaults()(read_nb(p.name))
            except Exception as e: wrong.append(f'{p}: {e.__cause__!r}: a cell that imports or shows documentation needs what no such cell before it gives\n{e}')
    print('\n\n'.join(wrong) or f'{len(notebooks())} notebooks are ready for nbdev_docs')
    if wrong: sys.exit(1)

def try_page():
    "The page that grades in the browser; it needs one package of npm"
    from dr_nbdev.core import DataError
    from dr_nbdev.use.browser import browser_page
    try: browser_page(site/'try')
    except DataError as e:
        print(f'The page "Try it here" is left out: {e}')
        (site/'try').mkdir(exist_ok=True)
        (site/'try/index.html').write_text(f'<!doctype html><title>Not here</title><p>This copy of the site was built without the page. {html.escape(str(e))}')

def build():
    began = time.time()
    with tempfile.TemporaryDirectory() as tmp:
        src = Path(tmp)
        left = sorted({convert(p, src) for p in notebooks()} - {o for room in ROOMS for o in chapters(room)}
                      - {o for pages in GROUPS.values() for o in pages} - {'index'})
        if left: sys.exit(f'no group of .ci/docs.py lists {", ".join(left)}')
        shutil.copytree(root/'style', src/'_style')
        (src/'_static').mkdir()
        (src/'_static/site.css').write_text(CSS)
        shutil.copy(root/'style/icon.png', src/'_static/icon.png')
        (src/'conf.py').write_text(CONF.replace('{version}', get_config().version))
        extra_pages(src)
        room_pages(src)
        api_page(src)
        index_page(src)
        shutil.rmtree(site, ignore_errors=True)
        subprocess.run([sys.executable, '-m', 'sphinx', '-W', '--keep-going', '-q', '-b', 'html', str(src), str(site)], check=True)
    for o in ('.doctrees', '.buildinfo', 'objects.inv'):
        shutil.rmtree(site/o, ignore_errors=True) if (site/o).is_dir() else (site/o).unlink(missing_ok=True)
    for o in (site/'_sources', root/'jupyter_execute'): shutil.rmtree(o, ignore_errors=True)
    mathjax = site/'_static/mathjax' # of which pages need one program and its fonts
    for o in sorted(mathjax.rglob('*'), reverse=True):
        if o.is_dir(): o.rmdir() if not any(o.iterdir()) else None
        elif o.name != 'tex-chtml.js' and 'woff-v2' not in o.parts: o.unlink()
    (site/'.nojekyll').touch()
    llms_txt()
    try_page()
    n, wrong = broken_links()
    size = sum(f.stat().st_size for f in site.rglob('*') if f.is_file())/1e6
    print('\n'.join(wrong) or f'{n} pages in {site}, {size:.1f} MB, {time.time() - began:.0f} s; no warning, no broken link')
    if wrong: sys.exit(1)
    quarto()

def serve():
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    print('http://127.0.0.1:8000')
    http.server.ThreadingHTTPServer(('127.0.0.1', 8000), handler).serve_forever()

if __name__ == '__main__': dict(build=build, serve=serve, quarto=quarto)[sys.argv[1]]()
