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

STUDIES = ['results', 'weights', 'bench', 'plan', 'recipe', 'first_run', 'retinamnist', 'invariance']
USES = ['own_data', 'photo', 'verdict', 'report', 'app', 'serve', 'scale', 'explain', 'embed', 'audit', 'demo', 'commands', 'gallery', 'faq', 'reading']
GROUPS = {'Start': ['quickstart'], 'Six steps': ['data', 'eda', 'backbones', 'train', 'thresholds', 'predict'],
          'Use': [f'use/{o}' for o in USES], 'Studies': [f'studies/{o}' for o in STUDIES], 'Parts': None,
          'About': ['readme_ru', 'model_card', 'changelog', 'contributing', 'cite']}

def page_name(path):
    "6_predict.ipynb is the page predict"
    p = Path(path)
    return (p.parent/re.sub(r'^\d+_', '', p.stem)).as_posix()

def notebooks(): return sorted(p.relative_to(nbs) for p in nbs.rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)

@functools.cache
def module_pages():
    "Module to the page of its notebook"
    sources = {page_name(p): (nbs/p).read_text(encoding='utf-8') for p in notebooks()}
    return {m[1]: page for page, text in sources.items() if (m := re.search(r'#\| default_exp (\w+)', text))}

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
    text = text.replace('](README.ru.md)', '](readme_ru.md)').replace('](CONTRIBUTING.md)', '](contributing.md)').replace('](../style/', '](_style/').replace('](../../style/', '](../_style/')
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
        if any(ast.unparse(d).split('(')[0] == 'patch' for d in node.decorator_list): name = f'{ast.unparse(node.args.args[0].annotation)}.{name}'
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
myst_enable_extensions = ['dollarmath', 'amsmath', 'colon_fence']
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
    for old, new in {'](README.md)': '](index.ipynb)', '](nbs/': '](', '](style/': '](_style/'}.items():
        russian = russian.replace(old, new)
    (dest/'readme_ru.md').write_text(markdown(russian, ''), encoding='utf-8')
    for name in ('CHANGELOG', 'CONTRIBUTING'):
        text = (root/f'{name}.md').read_text(encoding='utf-8').replace('](nbs/', '](')
        (dest/f'{name.lower()}.md').write_text(markdown(text, ''), encoding='utf-8')
    cff = (root/'CITATION.cff').read_text(encoding='utf-8')
    (dest/'cite.md').write_text(f'# How to cite\n\nIf this package was of use, please cite it, and the sources of the '
                                f'images.\n\n```yaml\n{cff}```\n', encoding='utf-8')

def index_page(dest, pages):
    "The home page gets the contents"
    nb = nbformat.read(dest/'index.ipynb', as_version=4)
    rest = [p for p in pages if p != 'index']
    named = {o for g in GROUPS.values() if g for o in g}
    for title, entries in GROUPS.items():
        entries = [p for p in rest if p not in named] if entries is None else [o for o in entries if (dest/f'{o}.ipynb').exists()
                                                                               or (dest/f'{o}.md').exists()]
        nb.cells.append(nbformat.v4.new_markdown_cell(f'```{{toctree}}\n:hidden:\n:caption: {title}\n\n' + '\n'.join(entries) + '\n```'))
    for c in nb.cells: c.pop('id', None)
    nbformat.write(nb, dest/'index.ipynb')

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

def llms_txt():
    "For programs that read documentation: llms.txt lists the pages, and PAGE.html.md is each page as text (llmstxt.org)"
    lines, sources = [], {page_name(p): nbs/p for p in notebooks()}
    for group, pages in GROUPS.items():
        if group == 'About': continue
        lines.append(f'\n## {group}\n')
        for page in pages or [o for o in sources if o.startswith('parts/')]:
            nb = nbformat.read(sources[page], as_version=4)
            (site/f'{page}.html.md').write_text(as_text(nb), encoding='utf-8')
            title, about = heading(nb)
            lines.append(f'- [{title}]({page}.html.md): {about}')
    home = nbformat.read(nbs/'index.ipynb', as_version=4)
    title, about = heading(home)
    (site/'index.html.md').write_text(as_text(home), encoding='utf-8')
    head = f'# {title}\n\n> {about}\n\nFor research use, not a medical device. Start with [the README](index.html.md).\n'
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
    for p in notebooks():
        with working_directory(nbs/p.parent), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            FilterDefaults()(read_nb(p.name))
    print(f'{len(notebooks())} notebooks are ready for nbdev_docs')

def build():
    began = time.time()
    with tempfile.TemporaryDirectory() as tmp:
        src = Path(tmp)
        pages = [convert(p, src) for p in notebooks()]
        shutil.copytree(root/'style', src/'_style')
        (src/'_static').mkdir()
        (src/'_static/site.css').write_text(CSS)
        shutil.copy(root/'style/icon.png', src/'_static/icon.png')
        (src/'conf.py').write_text(CONF.replace('{version}', get_config().version))
        extra_pages(src)
        index_page(src, pages)
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
